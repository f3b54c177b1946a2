/** The page's server forwards calls to the app's server, so that both have one origin, as in production. */
const service = process.env.SERVICE ?? 'http://127.0.0.1:3000';

export default {
  oxc: { jsx: { runtime: 'automatic' } },
  // Uses one copy of React, also when waybill is linked from a checkout that has its own.
  resolve: { dedupe: ['react', 'react-dom'] },
  server: { host: '127.0.0.1', proxy: { '/uploads': service, '/files': service } },
};
