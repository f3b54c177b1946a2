import { hkdfSync } from 'node:crypto';
import { WaybillError } from '../../protocol/index.ts';
import type { OptionRule } from '../../protocol/internal.ts';

const minLength = 32;

/** One secret or several: the first seals, all of them open. Rotate by putting a new one in front. */
export type Secret = string | readonly string[];

/** A secret, or a function that returns it and is called at first use. */
export type SecretOption = Secret | (() => Secret);

/** {@link resolveSecrets} checks the value, because an empty string is refused at first use only. */
export const secretRule: OptionRule = {
  expected: `at least ${minLength} random characters, or a list of such`,
  isValid: () => true,
};

/**
 * Returns a function that reads the secrets at first use. A wrong secret is refused at once. An empty string (an
 * environment variable that is not set) and the result of a function are refused at first use only: a container image
 * is built without secrets, and its build may import the module that calls `createUploads`.
 */
export function resolveSecrets(
  option: string,
  given: SecretOption,
  check: (option: string, secret: Secret) => readonly string[] = checkSecrets,
): () => readonly string[] {
  let checked: readonly string[] | undefined;
  const read = () => {
    checked ??= check(option, typeof given === 'function' ? given() : given);
    return checked;
  };
  if (typeof given !== 'function' && given !== '') read();
  return read;
}

export function checkSecrets(option: string, secret: Secret): readonly string[] {
  const secrets = typeof secret === 'string' ? [secret] : secret;
  if (!Array.isArray(secrets) || secrets.length === 0)
    throw new WaybillError(
      'config_invalid',
      `\`${option}\` is missing: set it to at least ${minLength} random characters, or to a function that is called at first use.`,
    );
  for (const one of secrets)
    if (typeof one !== 'string' || one.length < minLength)
      throw new WaybillError('config_invalid', `\`${option}\` is too short: at least ${minLength} random characters.`);
  if (new Set(secrets).size !== secrets.length)
    throw new WaybillError('config_invalid', `\`${option}\` lists the same secret twice.`);
  return secrets;
}

/**
 * RFC 5869. The label keeps uses apart, so that nothing sealed for one is accepted by another; the salt gives every
 * process its own key.
 */
export function deriveKey(secret: string, label: string, salt: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `waybill/1/${label}`, 32));
}
