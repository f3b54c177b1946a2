/** The page's server leads calls on to the app's server, which stays on one origin with the page in production, too. */
const service = process.env.SERVICE ?? 'http://127.0.0.1:3000';

export default {
  oxc: { jsx: { runtime: 'automatic' } },
  // One React, also where waybill is linked from a checkout that has its own.
  resolve: { dedupe: ['react', 'react-dom'] },
  server: { host: '127.0.0.1', proxy: { '/uploads': service, '/files': service } },
};
