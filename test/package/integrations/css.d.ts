/** Bundlers read stylesheets. The compiler only has to know that they can be imported. */
declare module '*.css';
