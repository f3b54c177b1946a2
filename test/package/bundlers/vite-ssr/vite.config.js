// Everything goes into the bundle, React included.
export default {
  ssr: { noExternal: true },
  build: { ssr: 'entry-server.jsx', outDir: '../out/vite-ssr', emptyOutDir: true },
  logLevel: 'warn',
};
