// A server-side render and the upload handler in one bundle.
import { createServer } from 'node:http';
import { renderToString } from 'react-dom/server';
import { toNodeHandler } from 'waybill/adapters/node';
import { AvatarInput } from '../next-app/app/avatar-input.jsx';
import { uploads } from '../uploads.js';

const handleUpload = toNodeHandler(uploads);
const server = createServer((request, response) => {
  if (request.url !== '/') return handleUpload(request, response);
  response.setHeader('content-type', 'text/html; charset=utf-8');
  response.end(renderToString(<AvatarInput />));
});
server.listen(0, '127.0.0.1', () => console.log(`Open http://127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => server.close());
