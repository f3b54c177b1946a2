/** As much of next/image as a recipe uses: Next itself is installed by the test of bundlers. */
declare module 'next/image' {
  const Image: (props: { src: string; alt: string; width: number; height: number; unoptimized?: boolean }) => null;
  // biome-ignore lint/style/noDefaultExport: Next's own
  export default Image;
}
