import { createAnswer } from './floor.mjs';
import { onHono } from './on-hono.mjs';

export function start(options) {
  const answer = createAnswer(options);
  return onHono(async (context) => context.json(answer(await context.req.json())));
}
