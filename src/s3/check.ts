/**
 * Checks the storage as it is configured: connects, stores and deletes a small object, and runs the attempt of each
 * claimed capability. Every problem becomes a finding that says what to change.
 */
import { randomBytes } from 'node:crypto';
import { isWaybillError } from '../protocol/index.ts';
import { capabilityPresets } from './capabilities.ts';
import { type CheckContext, capabilityAttempts, firstObject, putObject } from './capability-attempts.ts';
import { isS3Error, toWaybillError } from './s3-error.ts';
import type { CapabilityPreset, CheckOptions, StorageCapabilities, StorageFinding, StorageReport } from './types.ts';

/** Which capabilities were attempted, and whether the storage enforced them. */
type Observations = ReadonlyMap<keyof StorageCapabilities, boolean>;

export function createCheck(tools: Omit<CheckContext, 'key'>): (options: CheckOptions) => Promise<StorageReport> {
  return async ({ prefix, timeoutMs = 5000 }) => {
    const checkPrefix = `${prefix}check-${randomBytes(8).toString('hex')}/`;
    const context: CheckContext = { ...tools, key: (name) => checkPrefix + name };
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<StorageFinding[]>((resolve) => {
      const message = `The storage did not answer within ${timeoutMs} ms.`;
      const fix = 'Check `endpoint`, and that a firewall lets this machine reach it.';
      timer = setTimeout(() => resolve([{ code: 'timeout', severity: 'error', message, fix }]), timeoutMs);
    });
    const findings = await Promise.race([runCheck(context, checkPrefix), timeout]);
    clearTimeout(timer);
    return { ok: !findings.some(({ severity }) => severity === 'error'), findings };
  };
}

async function runCheck(context: CheckContext, checkPrefix: string): Promise<StorageFinding[]> {
  const { config, operations } = context;
  const findings: StorageFinding[] = [];
  try {
    await operations.list({ prefix: checkPrefix, maxKeys: 1 });
    const condition: Record<string, string> = config.capabilities.once ? { 'if-none-match': '*' } : {};
    const { headers } = await putObject(context, firstObject, { headers: condition });
    findings.push(...checkClock(headers.date, config.now()));
  } catch (error) {
    return [errorToFinding(error)];
  }
  const observations = new Map<keyof StorageCapabilities, boolean>();
  const claimed = capabilityAttempts.filter(({ isClaimed }) => isClaimed(config.capabilities));
  await Promise.all(
    claimed.map(async ({ capability, isEnforced }) => {
      try {
        observations.set(capability, await isEnforced(context));
      } catch (error) {
        // A storage that does not support the operation at all refuses it with an error code of its own.
        if (isS3Error(error) && error.status < 500) observations.set(capability, false);
        else findings.push(errorToFinding(error));
      }
    }),
  );
  return [...findings, ...missingCapabilities(observations), ...(await deleteObjects(context, checkPrefix))];
}

async function deleteObjects({ operations }: CheckContext, checkPrefix: string): Promise<StorageFinding[]> {
  try {
    const { objects } = await operations.list({ prefix: checkPrefix });
    const [failed] = await operations.deleteMany(objects.map(({ key }) => key));
    if (failed) throw Object.assign(new Error(failed.code), { code: failed.code });
    return [];
  } catch (error) {
    const message = `Objects cannot be deleted: ${errorToFinding(error).message}`;
    const fix = 'Allow `s3:DeleteObject` below the staging prefix: docs/storage.md has the policy.';
    return [{ code: 'delete_denied', severity: 'warning', message, fix }];
  }
}

function missingCapabilities(observations: Observations): StorageFinding[] {
  const missing = [...observations].filter(([, isEnforced]) => !isEnforced).map(([capability]) => capability);
  if (missing.length === 0) return [];
  const preset = findPreset(observations);
  const corrections = missing.map((capability) => {
    if (capability === 'multipart') return 'partChecksums: []';
    return `${capability}: ${capability.endsWith('hecksums') ? '[]' : 'false'}`;
  });
  const fix = preset
    ? `Set \`capabilities: '${preset}'\` of s3Storage() (WAYBILL_S3_PRESET=${preset}).`
    : `Set \`capabilities: { ${corrections.join(', ')} }\` of s3Storage().`;
  return missing.map((capability) => ({
    code: 'capability_missing',
    severity: 'error',
    message: `The storage does not enforce what \`capabilities.${capability}\` claims.`,
    fix,
  }));
}

/** The preset that claims exactly those capabilities that were seen to be enforced. */
function findPreset(observations: Observations): CapabilityPreset | undefined {
  const names = Object.keys(capabilityPresets) as CapabilityPreset[];
  return names.find((name) =>
    capabilityAttempts.every(({ capability, isClaimed }) => {
      // Whether parts are verified depends on the checksums, which have attempts of their own.
      if (capability === 'multipart') return true;
      return isClaimed(capabilityPresets[name]) === (observations.get(capability) ?? false);
    }),
  );
}

/**
 * AWS refuses requests whose time is more than 15 minutes off. The server corrects its time (storage-clock.ts), but the
 * operator should know that the clock is wrong.
 */
const clockWarningMs = 5 * 60_000;

function checkClock(date: string | undefined, now: number): StorageFinding[] {
  const aheadMs = Date.parse(date ?? '') - now;
  if (!(Math.abs(aheadMs) > clockWarningMs)) return [];
  const minutes = Math.round(Math.abs(aheadMs) / 60_000);
  const direction = aheadMs > 0 ? 'behind' : 'ahead of';
  const message = `The clock of this machine is ${minutes} minutes ${direction} the storage's.`;
  return [{ code: 'clock_wrong', severity: 'warning', message, fix: 'Set the clock, for example by NTP.' }];
}

function errorToFinding(error: unknown): StorageFinding {
  const known = toWaybillError(error);
  if (!isWaybillError(known)) {
    const message = error instanceof Error ? error.message : 'The check failed.';
    return { code: 'check_failed', severity: 'error', message, fix: 'Check the options of s3Storage().' };
  }
  const { storageCode = known.code } = (known.details ?? {}) as { storageCode?: string };
  // The first sentence says what happened, and the others say what to do.
  const [message = '', ...fixes] = known.message.split(/(?<=\.) /);
  const fix = fixes.join(' ') || 'Try again, and look at the log of the storage.';
  return { code: storageCode, severity: 'error', message, fix };
}
