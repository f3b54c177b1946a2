/** What the compilers of Vue, Svelte and Solid add, which have no types for the TypeScript compiler. */
declare module '*.vue' {
  const component: import('vue').Component;
  // biome-ignore lint/style/noDefaultExport: single-file components are default exports.
  export default component;
}

declare module '*.svelte' {
  const component: import('svelte').Component<Record<string, unknown>>;
  // biome-ignore lint/style/noDefaultExport: Svelte components are default exports.
  export default component;
}

declare module '@babel/core' {
  export function transformAsync(code: string, options: object): Promise<{ code?: string | null } | null>;
}

declare module 'babel-preset-solid' {
  const preset: unknown;
  // biome-ignore lint/style/noDefaultExport: it is one.
  export default preset;
}
