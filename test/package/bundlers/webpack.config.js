import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));

export default {
  mode: 'production',
  target: 'node20',
  context: folder,
  entry: './server.js',
  experiments: { outputModule: true },
  output: { path: `${folder}out/webpack`, filename: 'server.mjs', module: true, chunkFormat: 'module' },
};
