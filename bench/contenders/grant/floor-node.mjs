import { createServer } from 'node:http';
import { createAnswer } from './floor.mjs';

export function start(options) {
  const answer = createAnswer(options);
  return createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (piece) => {
      text += piece;
    });
    request.on('end', () => {
      const body = JSON.stringify(answer(JSON.parse(text)));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    });
  });
}
