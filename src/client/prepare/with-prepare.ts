import { checkOptions, functionRule, isObject, type OptionTable } from '../../protocol/check-options.ts';
import type { RouteTypes, WaybillError } from '../../protocol/index.ts';
import { failure } from '../errors.ts';
import { createPool } from '../pool.ts';
import type { UploadState } from '../snapshots.ts';
import { contentTypeOf, type OpenSource, toSource } from '../source.ts';
import type { Client, FileLike, Resumable, Upload, UploadOptions } from '../types.ts';
import { createUpload } from '../upload.ts';
import { createPreparedEngine, type FileToPrepare, type Preparation, preparedFingerprint } from './prepared-engine.ts';
import type { PrepareOptions } from './types.ts';

type AnyOptions = UploadOptions & { metadata?: unknown };

/** Decoding takes 48 MB for 12 megapixels, and two at a time use two cores. */
const maxPreparing = 2;
/** Enough for the connections of a client, few enough for the memory of a phone. */
const maxUnfinished = 12;

const optionTable: OptionTable<PrepareOptions> = {
  prepare: { ...functionRule, required: true },
  description: { expected: 'a text', isValid: (value) => typeof value === 'string' },
  random: functionRule,
  messages: { expected: 'an object', isValid: isObject },
};

/**
 * Returns a client that prepares each file before it is sent. It has the methods of `client`, and works with the same
 * hooks and components. What is checked, hashed and sent is the prepared file: the limits of the route apply to it.
 *
 * While the file is prepared, `status` is `preparing`, and `prepared` goes from 0 to 1. `pause` and `abort` stop the
 * preparation, and `resume` and `retry` begin it again. `fileName` and `contentType` of the upload options describe the
 * chosen file; the prepared file has the name and type that `prepare` gives it.
 *
 * An upload in parts continues after a reload when the user chooses the same file again, or by `resumable()`: the file
 * is prepared again, and its parts are compared with those that have arrived.
 *
 * @example
 * const photos = withPrepare(client, { prepare: prepareImage({ maxWidth: 2048, maxHeight: 2048 }) });
 * const { file } = await photos.upload('photos', input.files[0]).done;
 * @throws WaybillError `config_invalid` for an unknown or invalid option
 */
export function withPrepare<Routes extends Record<string, RouteTypes>>(
  client: Client<Routes>,
  options: PrepareOptions,
): Client<Routes> {
  checkOptions('withPrepare()', options, optionTable);
  const { prepare, messages, random = Math.random } = options;
  const preparation: Preparation = {
    client: client as unknown as Client,
    prepare,
    description: options.description ?? prepare.description,
    preparing: createPool(maxPreparing),
    unfinished: createPool(maxUnfinished),
  };
  const running = new Set<Upload>();
  const idPrefix = `prepared-${random().toString(36).slice(2)}`;
  let uploadCount = 0;

  function translate(error: WaybillError): void {
    const message = messages?.[error.code] as string | ((details: unknown) => string) | undefined;
    try {
      if (message) error.message = typeof message === 'string' ? message : message(error.details);
    } catch {}
  }

  function upload(route: string, chosen: FileLike, given: AnyOptions = {}, count = 1): Upload {
    // The client answers with a failed upload.
    if (!chosen || typeof chosen !== 'object') return preparation.client.upload(route, chosen, given);
    const source = toSource(chosen);
    const file = toFile(source, given);
    const fileId = identifyFile(source);
    return start({ route, file, fileId, options: given, count, ...(!file && { refusal: notAFile() }) });
  }

  function start(toPrepare: FileToPrepare): Upload {
    const { file, options } = toPrepare;
    const engine = createPreparedEngine(preparation, toPrepare);
    const upload = createUpload(
      engine,
      initialState(idPrefix + ++uploadCount, file),
      () => performance.now(),
      options.signal,
      running,
      translate,
    );
    const { resume } = upload;
    // The app may have paused the upload of the prepared file with `client.pause()`.
    return Object.assign(upload, {
      resume() {
        engine.resume();
        resume();
      },
    });
  }

  function listed(entry: Resumable): Resumable {
    const { description } = preparation;
    // Entries of files that were sent unprepared, and of other preparations.
    if (!description || !entry.fingerprint.includes(preparedFingerprint('', description))) return entry;
    return {
      ...entry,
      needsFile: true,
      resume(chosen) {
        const { route, metadata, fingerprint } = entry;
        const source = chosen && toSource(chosen);
        const fileId = source && identifyFile(source);
        const file = source && toFile(source, {});
        const isSame = !!fileId && fingerprint.includes(` ${preparedFingerprint(fileId, description)} `);
        const refusal = source ? (isSame ? undefined : otherFile()) : notChosen();
        const options = { metadata };
        return start({ route, file, fileId, options, count: 1, resumes: fingerprint, ...(refusal && { refusal }) });
      },
    };
  }

  const each = (what: 'pause' | 'resume' | 'abort') => () => {
    for (const upload of running) upload[what]();
  };

  return {
    ...preparation.client,
    upload,
    uploadAll(route: string, files: Iterable<FileLike>, { signal, ...given }: AnyOptions = {}) {
      const all = [...files];
      const uploads = all.map((file) => upload(route, file, given, all.length));
      const abort = () => {
        for (const upload of uploads) upload.abort();
      };
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      return uploads;
    },
    pause: each('pause'),
    resume: each('resume'),
    abort: each('abort'),
    guardUnload() {
      const ask = (event: Event) => {
        if (running.size) event.preventDefault();
      };
      globalThis.addEventListener?.('beforeunload', ask);
      return () => globalThis.removeEventListener?.('beforeunload', ask);
    },
    resumable: async () => (await preparation.client.resumable()).map(listed),
  } as unknown as Client<Routes>;
}

const initialState = (id: string, file: File | undefined): UploadState => ({
  id,
  status: 'queued',
  waiting: null,
  fileName: file?.name ?? 'file',
  size: file?.size ?? null,
  contentType: file?.type ?? '',
  loaded: 0,
  total: null,
  prepared: 0,
  transfer: null,
  error: null,
  file: null,
  data: null,
  warning: null,
});

/** The chosen file with the name and type that the app gave. Undefined for what is not in a Blob. */
function toFile(source: OpenSource, given: AnyOptions): File | undefined {
  const blob = source.blob as (Blob & Partial<File>) | undefined;
  if (!blob) return undefined;
  const name = given.fileName || source.fileName || 'file';
  const type = contentTypeOf(source, given);
  if (blob.name === name && blob.type === type) return blob as File;
  return new File([blob], name, { type, lastModified: blob.lastModified ?? 0 });
}

/** As the client identifies files: by name, folder, size and time of change. */
function identifyFile({ fingerprint, fileName, size, blob }: OpenSource): string | undefined {
  const { lastModified, webkitRelativePath } = (blob ?? {}) as Partial<File>;
  return fingerprint ?? (lastModified ? [webkitRelativePath || fileName, size, lastModified].join(' ') : undefined);
}

const notAFile = () =>
  failure('source_unreadable', 'This file cannot be prepared.', {
    details: {
      hint: 'withPrepare() takes a File, a Blob or a Uint8Array. Upload anything else with the client itself.',
    },
  });
const notChosen = () => failure('source_unreadable', 'Please choose the file again.');
const otherFile = () => failure('source_changed', 'This is not the file that was begun, or it has changed since.');
