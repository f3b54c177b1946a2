/** The part of next/image that a recipe uses. Only bundlers.test.ts installs Next. */
declare module 'next/image' {
  const Image: (props: { src: string; alt: string; width: number; height: number; unoptimized?: boolean }) => null;
  // biome-ignore lint/style/noDefaultExport: Next has a default export
  export default Image;
}
