/**
 * Checks the outcome of a run. Every file must be stored with its exact bytes and announced, or fail with an error that
 * its scenario allows. Nothing may be left in staging, except what a closed page could not abort.
 */
import type { UploadResult } from './page.ts';
import type { Scenario } from './scenario.ts';

export interface Outcome {
  scenario: Scenario;
  /** The faults that were injected. A run may end before its last event. */
  injected: readonly string[];
  /** The state of a run that missed its deadline, else null. */
  stuck: string | null;
  results: readonly UploadResult[];
  /** Results of the uploads that a second tab resumed. */
  secondTabResults: readonly UploadResult[];
  /** Digests of every version of each file, by file name. */
  digests: ReadonlyMap<string, readonly string[]>;
  announced: readonly { uploadId: string; key: string }[];
  /** Uploads for which the server reported `upload.aborted`. */
  aborted: ReadonlySet<string>;
  /** Granted uploads; `isOrphaned` when the page that asked for the grant was closed before the upload ended. */
  granted: ReadonlyMap<string, { isOrphaned: boolean }>;
  /** Digests of the objects outside of staging, by key. */
  stored: ReadonlyMap<string, string>;
  /** What is left in staging. */
  staged: readonly { type: 'object' | 'multipart' | 'sidecar'; uploadId: string }[];
  /** Entries in the page's resume store. */
  resumeEntries: readonly { uploadId: string; fileName: string }[];
  unexpectedErrors: readonly string[];
}

/** Returns one line for each violation. */
export function checkOutcome(outcome: Outcome): string[] {
  const { scenario, results, announced, stored, granted } = outcome;
  const violations: string[] = [...outcome.unexpectedErrors];
  if (outcome.stuck) violations.push(`stuck: ${outcome.stuck}`);
  const hasFault = (type: string, fileName: string) =>
    scenario.events.some(({ fault }) => fault.type === type && 'file' in fault && fault.file === fileName);
  const restarted = outcome.injected.includes('restart');

  const knownIds = new Set(results.map(({ uploadId }) => uploadId));
  for (const { name } of scenario.files) {
    const own = results.findLast((candidate) => candidate.name === name);
    // A second tab may have completed the upload while the page was closed. Its result is checked by the same rules.
    const inSecondTab = outcome.secondTabResults.find((result) => result.name === name && result.status === 'done');
    const result = own?.code === 'upload_conflict' && inSecondTab ? inSecondTab : own;
    if (result) knownIds.add(result.uploadId);
    if (!result) {
      violations.push(`${name}: never ended`);
      continue;
    }
    const { status, code, message, uploadId, key } = result;
    if (status === 'done') {
      const versions = outcome.digests.get(name) ?? [];
      const digest = stored.get(key ?? '');
      if (!digest) violations.push(`${name}: done but not stored`);
      else if (!versions.includes(digest)) violations.push(`${name}: other bytes are stored`);
      const times = announced.filter((file) => file.uploadId === uploadId && file.key === key).length;
      if (times === 0) violations.push(`${name}: done but never announced`);
      // A server that is stopped inside its callback calls the callback again.
      if (times > 1 && !restarted) violations.push(`${name}: announced ${times} times`);
    } else if (
      !(status === 'aborted' && hasFault('abort', name)) &&
      !(/^source_(changed|unreadable)$/.test(code ?? '') && hasFault('edit', name))
    )
      violations.push(`${name}: ${status} ${code} ${message}`);
  }

  for (const { name, status, code, uploadId } of outcome.secondTabResults)
    if (code !== 'upload_conflict' && !(status === 'done' && knownIds.has(uploadId)) && !hasFault('edit', name))
      violations.push(`second tab: ${name} ${status} ${code} ${uploadId}`);

  const keys = new Set(announced.map(({ key }) => key));
  for (const key of stored.keys()) if (!keys.has(key)) violations.push(`stored but not announced: ${key}`);
  for (const { uploadId, key } of announced) {
    if (!stored.has(key)) violations.push(`announced but not stored: ${key}`);
    // Allowed when the page was closed, or aborted the upload during its completion.
    if (!knownIds.has(uploadId) && !granted.get(uploadId)?.isOrphaned && !outcome.injected.includes('abort'))
      violations.push(`announced but unknown to every page: ${uploadId}`);
  }

  const announcedIds = new Set(announced.map(({ uploadId }) => uploadId));
  const lostAnswers = outcome.injected.some((type) => /^(drop|truncate)/.test(type));
  for (const { type, uploadId } of outcome.staged)
    if (
      // When the answer to CreateMultipartUpload is lost, the retry creates a second one. A lifecycle rule removes the
      // first.
      !(type === 'multipart' && lostAnswers) &&
      (announcedIds.has(uploadId) || outcome.aborted.has(uploadId) || !mayBeLeftInStaging(outcome, uploadId))
    )
      violations.push(`left in staging: ${type} of ${uploadId}`);

  for (const { uploadId, fileName } of outcome.resumeEntries) {
    const done = results.findLast(({ name }) => name === fileName)?.status === 'done';
    if (announcedIds.has(uploadId) || (done && !hasFault('edit', fileName)))
      violations.push(`still in the resume store: ${fileName} ${uploadId}`);
  }
  return violations;
}

/** Whether the sweep or the lifecycle rule has to remove this upload, because no page could abort it. */
function mayBeLeftInStaging({ granted, injected }: Outcome, uploadId: string): boolean {
  const grant = granted.get(uploadId);
  if (!grant || grant.isOrphaned || /offline|restart/.test(injected.join())) return true;
  // The server was still granting when the page was closed.
  if (injected.some((type) => /^(reload|kill|edit)$/.test(type))) return true;
  // The client sends an abort once and does not retry it.
  const abortMayFail = injected.some((type) => /^(drop|slow|truncate|expire)/.test(type));
  return injected.some((type) => /^(abort|edit)$/.test(type)) && abortMayFail;
}
