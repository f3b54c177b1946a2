/** A proxy that forwards the body without parsing it. */
import { createServer, request as sendRequest } from 'node:http';

export function start({ sink }) {
  let count = 0;
  return createServer((request, response) => {
    const { 'content-length': length, 'content-type': type } = request.headers;
    const onward = sendRequest(`${sink}/user-content/file-${count++}`, {
      method: 'PUT',
      headers: { 'content-length': length, 'content-type': type },
    });
    onward.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => response.writeHead(answer.statusCode).end());
    });
    request.pipe(onward);
  });
}
