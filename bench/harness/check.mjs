/** Checks before the timing that the request of a contender is accepted and binds what it must. */
import { verifyPolicy, verifyRequest } from '../../dist/s3/internal.js';
import { account, bucket } from './fixtures.mjs';

const lookup = (accessKeyId) => (accessKeyId === account.accessKeyId ? account : undefined);

/**
 * @param {string} name
 * @param {{ method: string, url: string, headers: Record<string, string> }} request
 * @param {readonly string[]} mustSign header names
 */
export function checkPresigned(name, request, mustSign) {
  const url = new URL(request.url);
  const headers = { ...request.headers, host: url.host };
  const accepts = (sent) => verifyRequest({ ...sent, rawPath: url.pathname, rawQuery: url.search.slice(1) }, options());
  const { signedHeaders } = accepts({ method: request.method, headers });
  const missing = mustSign.filter((header) => !signedHeaders.includes(header));
  if (missing.length > 0) throw new Error(`${name} does not sign ${missing.join(', ')}.`);
  for (const header of mustSign) {
    const other = { ...headers, [header]: `${headers[header]}0` };
    if (!refuses(() => accepts({ method: request.method, headers: other })))
      throw new Error(`${name}: another ${header} was accepted.`);
  }
}

/**
 * @param {string} name
 * @param {{ fields: Record<string, string> }} request
 * @param {{ size: number, mustBind: readonly string[] }} expected lower-case field names
 */
export function checkForm(name, { fields }, { size, mustBind }) {
  const accepts = (sent) => verifyPolicy({ fields: Object.entries(sent), bucket, ...options() });
  const verified = accepts(fields);
  const range = verified.contentLengthRange;
  if (range?.min !== size || range.max !== size) throw new Error(`${name} does not bind the size.`);
  for (const field of mustBind) {
    const spelled = Object.keys(fields).find((key) => key.toLowerCase() === field);
    if (!spelled) throw new Error(`${name} has no field ${field}.`);
    if (!refuses(() => accepts({ ...fields, [spelled]: `${fields[spelled]}0` })))
      throw new Error(`${name}: another ${field} was accepted.`);
  }
}

const options = () => ({ lookup, now: Date.now() });

function refuses(attempt) {
  try {
    attempt();
    return false;
  } catch {
    return true;
  }
}
