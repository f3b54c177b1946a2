/**
 * Whether a run ended as it must: every file as its exact bytes, stored and announced, or with an error that its scenario
 * allows; and nothing left behind, but for what nobody was left to give back.
 */
import type { Ended } from './page.ts';
import type { Scenario } from './scenario.ts';

export interface Outcome {
  scenario: Scenario;
  /** What really happened: a run may be over before its last event. */
  happened: readonly string[];
  /** Why it was given up, when it was stuck. */
  stuck: string | null;
  ended: readonly Ended[];
  /** How a second tab saw it. */
  followed: readonly Ended[];
  /** Everything a file has ever been. */
  digests: ReadonlyMap<string, readonly string[]>;
  announced: readonly { uploadId: string; key: string }[];
  /** Whom the server told that an upload was given back. */
  aborted: ReadonlySet<string>;
  /** Whether the page that asked for them was cut off before its end. */
  granted: ReadonlyMap<string, { cut: boolean }>;
  /** Digests of the objects by their keys, without those that staging holds. */
  stored: ReadonlyMap<string, string>;
  /** Upload ids in staging: objects, multipart uploads, and what is written beside those. */
  staged: readonly { what: 'object' | 'multipart' | 'sidecar'; uploadId: string }[];
  /** In the page's resume store. */
  remembered: readonly { uploadId: string; fileName: string }[];
  surprises: readonly string[];
}

/** One line for each thing that is wrong; none when all is well. */
export function checkOutcome(outcome: Outcome): string[] {
  const { scenario, ended, announced, stored, granted } = outcome;
  const wrong: string[] = [...outcome.surprises];
  if (outcome.stuck) wrong.push(`stuck: ${outcome.stuck}`);
  const concerns = (what: string, name: string) =>
    scenario.events.some(({ happens }) => happens.what === what && 'file' in happens && happens.file === name);
  const restarted = outcome.happened.includes('restart');

  const results = new Set(ended.map(({ uploadId }) => uploadId));
  for (const { name } of scenario.files) {
    const own = ended.findLast((candidate) => candidate.name === name);
    // A tab that went on while the page was dead has it; what it came to is judged as strictly.
    const elsewhere = outcome.followed.find((tab) => tab.name === name && tab.status === 'done');
    const result = own?.code === 'upload_conflict' && elsewhere ? elsewhere : own;
    if (result) results.add(result.uploadId);
    if (!result) {
      wrong.push(`${name}: never ended`);
      continue;
    }
    const { status, code, message, uploadId, key } = result;
    if (status === 'done') {
      const versions = outcome.digests.get(name) ?? [];
      const digest = stored.get(key ?? '');
      if (!digest) wrong.push(`${name}: done, and not stored`);
      else if (!versions.includes(digest)) wrong.push(`${name}: other bytes are stored`);
      const times = announced.filter((file) => file.uploadId === uploadId && file.key === key).length;
      if (times === 0) wrong.push(`${name}: done, and never announced`);
      // A server that dies inside its callback calls it again.
      if (times > 1 && !restarted) wrong.push(`${name}: announced ${times} times`);
    } else if (
      !(status === 'aborted' && concerns('abort', name)) &&
      !(/^source_(changed|unreadable)$/.test(code ?? '') && concerns('edit', name))
    )
      wrong.push(`${name}: ${status} ${code} ${message}`);
  }

  for (const { name, status, code, uploadId } of outcome.followed)
    if (code !== 'upload_conflict' && !(status === 'done' && results.has(uploadId)) && !concerns('edit', name))
      wrong.push(`second tab: ${name} ${status} ${code} ${uploadId}`);

  const keys = new Set(announced.map(({ key }) => key));
  for (const key of stored.keys()) if (!keys.has(key)) wrong.push(`stored and not announced: ${key}`);
  for (const { uploadId, key } of announced) {
    if (!stored.has(key)) wrong.push(`announced and not stored: ${key}`);
    // Given up by its page in the middle of the completion, or by one that never heard of it.
    if (!results.has(uploadId) && !granted.get(uploadId)?.cut && !outcome.happened.includes('abort'))
      wrong.push(`announced, and no page knows: ${uploadId}`);
  }

  const announcedIds = new Set(announced.map(({ uploadId }) => uploadId));
  const lostAnswers = outcome.happened.some((what) => /^(drop|truncate)/.test(what));
  for (const { what, uploadId } of outcome.staged)
    if (
      // CreateMultipartUpload whose answer was lost is asked for again, and S3 made two: a lifecycle rule collects the first.
      !(what === 'multipart' && lostAnswers) &&
      (announcedIds.has(uploadId) || outcome.aborted.has(uploadId) || !mayBeLeft(outcome, uploadId))
    )
      wrong.push(`left behind: ${what} of ${uploadId}`);

  for (const { uploadId, fileName } of outcome.remembered) {
    const done = ended.findLast(({ name }) => name === fileName)?.status === 'done';
    if (announcedIds.has(uploadId) || (done && !concerns('edit', fileName)))
      wrong.push(`still remembered: ${fileName} ${uploadId}`);
  }
  return wrong;
}

/** For the sweep and the lifecycle rule: what a page that is gone began, and an answer that was lost. */
function mayBeLeft({ granted, happened }: Outcome, uploadId: string): boolean {
  const grant = granted.get(uploadId);
  if (!grant || grant.cut || /offline|restart/.test(happened.join())) return true;
  // The server was still granting when the page went.
  if (happened.some((what) => /^(reload|kill|edit)$/.test(what))) return true;
  // A page gives back once, and does not wait for better weather to do so.
  const giveBackMayFail = happened.some((what) => /^(drop|slow|truncate|expire)/.test(what));
  return happened.some((what) => /^(abort|edit)$/.test(what)) && giveBackMayFail;
}
