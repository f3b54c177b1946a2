/**
 * G5: no log line contains a secret, whether its text comes from Waybill, a library or the app.
 * Attack ids: docs/threat-model.md.
 */
import { expect, it } from 'vitest';
import { createLogger, logEvent } from '../../src/cli/serve/logs.ts';
import type { UploadsEvent } from '../../src/server/index.ts';

const secrets = ['abcdef0123456789', 'sid=a-cookie', 'a-bearer-token', 'x'.repeat(80), 'pass-of-alice'];
const [signature, cookie, bearer, grant, password] = secrets as [string, string, string, string, string];
const texts = [
  `GET https://store.example/bucket/key?X-Amz-Signature=${signature} failed`,
  `authorization: Bearer ${bearer}`,
  `set-cookie: ${cookie}; path=/`,
  `the grant ${grant} was refused`,
  `cannot connect to https://alice:${password}@store.example/`,
];

it('G5 logs contain no secret in a message, a field, an error or an event', () => {
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  for (const text of texts) {
    logger.info(text);
    logger.warn({ reason: text }, 'upkeep.failed');
    logger.error(new Error(text));
    logger.error({ error: new Error(text, { cause: new Error(text) }) }, text);
    const failed = { type: 'request.failed', at: 0, operation: 'grant', status: 500, code: 'internal_error' } as const;
    logEvent(logger, { ...failed, message: text, reason: text, requestId: 'r' } as UploadsEvent);
  }
  logger.info({ authorization: bearer, cookie, grant, url: signature, secret: password, token: bearer }, 'named');
  logger.info({ headers: { authorization: bearer, cookie }, upload: { grant, url: signature } }, 'within');

  expect(lines).toHaveLength(texts.length * 5 + 2);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) });
    for (const secret of secrets) expect(line).not.toContain(secret);
  }
  // The rest of the text is kept.
  expect(lines.join('')).toContain('store.example/bucket/key');
});
