/**
 * Tries the storage as it is set up: reaches it, stores and deletes something small, and attempts what each claimed capability
 * says is refused. "Answered 200" proves nothing; a capability holds when the wrong thing was refused.
 */
import { createHash, randomBytes } from 'node:crypto';
import { isWaybillError, type PresignedRequest } from '../protocol/index.ts';
import { capabilityPresets } from './capabilities.ts';
import type { StorageConfig } from './config.ts';
import { startDeadline } from './deadline.ts';
import { presignForm } from './form.ts';
import type { Send } from './http.ts';
import type { Moment } from './moment.ts';
import { isS3Error, toWaybillError } from './s3-error.ts';
import type {
  CapabilityPreset,
  CheckOptions,
  Storage,
  StorageCapabilities,
  StorageFinding,
  StorageReport,
} from './types.ts';

type Operations = Pick<
  Storage,
  | 'head'
  | 'put'
  | 'copy'
  | 'deleteMany'
  | 'list'
  | 'createMultipart'
  | 'completeMultipart'
  | 'abortMultipart'
  | 'listParts'
>;

interface Bench {
  config: StorageConfig;
  send: Send;
  moment: () => Moment;
  operations: Operations;
  /** A scratch key. */
  key(name: string): string;
}

const right = 'the right bytes';
const wrong = 'the wrong bytes';
const digest = (algorithm: 'sha256' | 'md5', text: string) => createHash(algorithm).update(text).digest('base64');
const otherEtag = '"00000000000000000000000000000000"';
const contentType = 'text/plain';

/** A claim, and the attempt that shows it. True: the wrong thing was refused. */
type Attempt = readonly [
  name: keyof StorageCapabilities,
  claimed: (capabilities: StorageCapabilities) => boolean,
  holds: (bench: Bench) => Promise<boolean>,
];

const attempts: readonly Attempt[] = [
  ['once', ({ once }) => once, (bench) => isRefused(put(bench, 'first', right, { 'if-none-match': '*' }), 412)],
  [
    'checksums',
    ({ checksums }) => checksums.includes('sha256'),
    async (bench) => {
      const header = 'x-amz-checksum-sha256';
      if (!(await isRefused(put(bench, 'sha256', right, { [header]: digest('sha256', wrong) })))) return false;
      const checksum = digest('sha256', right);
      await put(bench, 'sha256', right, { [header]: checksum });
      return (await bench.operations.head(bench.key('sha256')))?.checksums.sha256 === checksum;
    },
  ],
  [
    'contentMd5',
    ({ contentMd5 }) => contentMd5,
    (bench) => isRefused(put(bench, 'md5', right, { 'content-md5': digest('md5', wrong) })),
  ],
  [
    'copyPrecondition',
    ({ copyPrecondition }) => copyPrecondition,
    ({ operations, key }) =>
      isRefused(operations.copy({ from: key('first'), to: key('copy'), sourceEtag: otherEtag, contentType }), 412),
  ],
  [
    'copyOnce',
    ({ copyOnce }) => copyOnce,
    async (bench) => {
      const { operations, key } = bench;
      await put(bench, 'taken', wrong, {});
      return isRefused(operations.copy({ from: key('first'), to: key('taken'), once: true, contentType }), 412);
    },
  ],
  [
    'postChecksums',
    ({ postPolicy, postChecksums }) => postPolicy && postChecksums.includes('sha256'),
    async (bench) => {
      const checksum = { algorithm: 'sha256', value: digest('sha256', right) } as const;
      const { internal, bucket, capabilities } = bench.config;
      const facts = { key: bench.key('form'), size: right.length, contentType, checksum, expiresInSeconds: 60 };
      const request = presignForm(internal, bucket, capabilities, bench.moment(), facts);
      const refused = await postStatus(bench.config, request, wrong);
      return refused >= 400 && refused < 500 && (await postStatus(bench.config, request, right)) < 300;
    },
  ],
  ['multipart', ({ multipart }) => multipart, sendsParts],
  [
    'writeIds',
    ({ writeIds }) => writeIds,
    async (bench) => {
      const ids = new Set<string | undefined>();
      for (let write = 0; write < 2; write += 1) {
        await put(bench, 'written', right, {});
        ids.add((await bench.operations.head(bench.key('written')))?.writeId);
      }
      return ids.size === 2 && !ids.has(undefined);
    },
  ],
];

/** Parts are verified and listed, and their completion does not replace an object where that is claimed. */
async function sendsParts(bench: Bench): Promise<boolean> {
  const { operations, send } = bench;
  const { partChecksums, contentMd5, completeOnce } = bench.config.capabilities;
  const algorithm = partChecksums.includes('sha256') ? 'sha256' : contentMd5 ? 'md5' : null;
  const header = algorithm === 'md5' ? 'content-md5' : 'x-amz-checksum-sha256';
  const key = bench.key('parts');
  const { multipartId } = await operations.createMultipart({
    key,
    contentType,
    checksumAlgorithm: algorithm ?? undefined,
  });
  try {
    const sendPart = (announced: string) =>
      send({
        method: 'PUT',
        key,
        query: [
          ['partNumber', '1'],
          ['uploadId', multipartId],
        ],
        headers: algorithm ? { [header]: digest(algorithm, announced) } : {},
        body: Buffer.from(right),
      });
    if (algorithm && !(await isRefused(sendPart(wrong)))) return false;
    await sendPart(right);
    const parts = (await operations.listParts(key, multipartId)) ?? [];
    if (parts.length !== 1) return false;
    if (algorithm === 'sha256' && parts[0]?.checksums.sha256 !== digest('sha256', right)) return false;
    if (completeOnce) {
      await put(bench, 'parts', wrong, {});
      return await isRefused(operations.completeMultipart({ key, multipartId, parts, size: right.length }), 412);
    }
    await operations.completeMultipart({ key, multipartId, parts, size: right.length, once: false });
    return (await operations.head(key))?.size === right.length;
  } finally {
    await operations.abortMultipart(key, multipartId).catch(() => {});
  }
}

export function createCheck(tools: Omit<Bench, 'key'>): (options: CheckOptions) => Promise<StorageReport> {
  return async ({ prefix, timeoutMs = 5000 }) => {
    const scratch = `${prefix}check-${randomBytes(8).toString('hex')}/`;
    const bench: Bench = { ...tools, key: (name) => scratch + name };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<StorageFinding[]>((resolve) => {
      const message = `The storage did not answer within ${timeoutMs} ms.`;
      const fix = 'Check `endpoint`, and that a firewall lets this machine reach it.';
      timer = setTimeout(() => resolve([{ code: 'timeout', severity: 'error', message, fix }]), timeoutMs);
    });
    const findings = await Promise.race([look(bench, scratch), late]);
    clearTimeout(timer);
    return { ok: !findings.some(({ severity }) => severity === 'error'), findings };
  };
}

async function look(bench: Bench, scratch: string): Promise<StorageFinding[]> {
  const { config, operations } = bench;
  const { capabilities } = config;
  const findings: StorageFinding[] = [];
  try {
    await operations.list({ prefix: scratch, maxKeys: 1 });
    const { headers } = await put(bench, 'first', right, capabilities.once ? { 'if-none-match': '*' } : {});
    findings.push(...clockFinding(headers.date, config.now()));
  } catch (error) {
    return [...findings, findingOf(error)];
  }
  const observed = new Map<keyof StorageCapabilities, boolean>();
  await Promise.all(
    attempts
      .filter(([, claimed]) => claimed(capabilities))
      .map(async ([name, , holds]) => {
        try {
          observed.set(name, await holds(bench));
        } catch (error) {
          // What the storage does not know at all it refuses in words of its own.
          if (isS3Error(error) && error.status < 500) observed.set(name, false);
          else findings.push(findingOf(error));
        }
      }),
  );
  findings.push(...missing(observed));
  try {
    const left = await operations.list({ prefix: scratch });
    const failed = await operations.deleteMany(left.objects.map(({ key }) => key));
    if (failed[0]) throw Object.assign(new Error(failed[0].code), { code: failed[0].code });
  } catch (error) {
    const { message } = findingOf(error);
    const fix = 'Allow `s3:DeleteObject` below the staging prefix: docs/storage.md has the policy.';
    findings.push({
      code: 'delete_denied',
      severity: 'warning',
      message: `Objects cannot be deleted: ${message}`,
      fix,
    });
  }
  return findings;
}

function missing(observed: ReadonlyMap<keyof StorageCapabilities, boolean>): StorageFinding[] {
  const lacking = [...observed].filter(([, holds]) => !holds).map(([name]) => name);
  if (lacking.length === 0) return [];
  const preset = presetFor(observed);
  const corrections = lacking.map((name) => {
    if (name === 'multipart') return 'partChecksums: []';
    return `${name}: ${name.endsWith('hecksums') ? '[]' : 'false'}`;
  });
  const fix = preset
    ? `Set \`capabilities: '${preset}'\` of s3Storage() (WAYBILL_S3_PRESET=${preset}).`
    : `Set \`capabilities: { ${corrections.join(', ')} }\` of s3Storage().`;
  return lacking.map((name) => ({
    code: 'capability_missing',
    severity: 'error',
    message: `The storage does not enforce what \`capabilities.${name}\` claims.`,
    fix,
  }));
}

/** The preset that claims what was seen to hold, and nothing that was not. */
function presetFor(observed: ReadonlyMap<keyof StorageCapabilities, boolean>): CapabilityPreset | undefined {
  const names = Object.keys(capabilityPresets) as CapabilityPreset[];
  return names.find((name) =>
    attempts.every(([capability, claimed]) => {
      // How parts are bound follows from the checksums.
      if (capability === 'multipart') return true;
      const holds = observed.get(capability);
      return holds === undefined ? !claimed(capabilityPresets[name]) : claimed(capabilityPresets[name]) === holds;
    }),
  );
}

/** AWS refuses requests that are more than 15 minutes off. Closer ones are corrected, and this much deserves a word. */
const worthSayingMs = 5 * 60_000;

function clockFinding(date: string | undefined, now: number): StorageFinding[] {
  const aheadMs = Date.parse(date ?? '') - now;
  if (!(Math.abs(aheadMs) > worthSayingMs)) return [];
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const message = `The clock of this machine is ${minutes} minutes ${aheadMs > 0 ? 'behind' : 'ahead of'} the storage's.`;
  return [{ code: 'clock_wrong', severity: 'warning', message, fix: 'Set the clock, for example by NTP.' }];
}

function findingOf(error: unknown): StorageFinding {
  const known = toWaybillError(error);
  if (!isWaybillError(known)) {
    const message = error instanceof Error ? error.message : 'The check failed.';
    return { code: 'check_failed', severity: 'error', message, fix: 'Check the options of s3Storage().' };
  }
  const { storageCode = known.code } = (known.details ?? {}) as { storageCode?: string };
  const [message = '', ...fixes] = known.message.split(/(?<=\.) /);
  const fix = fixes.join(' ') || 'Try again, and look at the log of the storage.';
  return { code: storageCode, severity: 'error', message, fix };
}

function put(bench: Bench, name: string, body: string, headers: Record<string, string>) {
  return bench.send({
    method: 'PUT',
    key: bench.key(name),
    headers: { 'content-type': contentType, ...headers },
    body: Buffer.from(body),
  });
}

/** True when it was refused with this status, by default with any 4xx that is not about rights. */
async function isRefused(work: Promise<unknown>, status?: number): Promise<boolean> {
  try {
    await work;
    return false;
  } catch (error) {
    if (!isS3Error(error)) throw error;
    if (status !== undefined) return error.status === status;
    return error.status >= 400 && error.status < 500 && error.status !== 403;
  }
}

async function postStatus(config: StorageConfig, { fields = {} }: PresignedRequest, file: string): Promise<number> {
  const boundary = `waybill-${randomBytes(12).toString('hex')}`;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const last = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n${file}\r\n--${boundary}--\r\n`;
  const deadline = startDeadline(config.timeoutMs);
  try {
    const answer = await config.exchange({
      method: 'POST',
      origin: config.internal.origin,
      target: config.internal.prefix || '/',
      headers: { host: config.internal.host, 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: Buffer.from(parts.join('') + last),
      signal: undefined,
      deadline,
    });
    answer.drop();
    return answer.status;
  } finally {
    deadline.stop();
  }
}
