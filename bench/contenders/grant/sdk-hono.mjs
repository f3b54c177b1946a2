import { onHono } from './on-hono.mjs';
import { createAnswer } from './sdk.mjs';

export async function start(options) {
  const answer = await createAnswer(options);
  return onHono(async (context) =>
    context.json(await answer(context.req.header('x-session'), await context.req.json())),
  );
}
