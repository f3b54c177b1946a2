import { createServer } from 'node:http';
import { importPeer } from '../../peers/import.mjs';
import { createAnswer } from './sdk.mjs';

export async function start(options) {
  const answer = await createAnswer(options);
  const { default: express } = await importPeer('express');
  const app = express();
  app.use(express.json());
  app.post('/uploads', async (request, response) => {
    response.json(await answer(request.get('x-session'), request.body));
  });
  return createServer(app);
}
