/** Renders docs/reference.md from the docstrings of the public options. The table below lists its sections. */
import { readDeclaration } from './docstrings.mjs';

/**
 * @typedef {{ of: string, title?: string, only?: string[], omit?: string[], kind?: 'options' | 'members' }} Table
 * @typedef {{ title: string, module: string, fn?: string, intro?: string, tables: Table[] }} Section
 */

/** @type {Section[]} */
export const sections = [
  {
    title: 's3Storage',
    module: 'waybill/s3',
    fn: 'src/s3/storage.ts#s3Storage',
    tables: [
      { of: 'src/s3/options.ts#S3StorageOptions' },
      { of: 'src/s3/options.ts#StorageCapabilities', title: 'Capabilities', kind: 'members' },
      { of: 'src/s3/options.ts#Credentials', title: 'Credentials', kind: 'members' },
    ],
  },
  {
    title: 'createUploads',
    module: 'waybill/server',
    fn: 'src/server/create-uploads.ts#createUploads',
    tables: [
      { of: 'src/server/options.ts#UploadsOptions' },
      { of: 'src/server/state/ledger.ts#Quota', title: 'quota' },
      { of: 'src/server/rate-limits/rate-limits.ts#RateLimitOptions', title: 'rateLimit' },
      { of: 'src/server/rate-limits/store.ts#Rate', title: 'rateLimit.perOwner and rateLimit.perAddress' },
      { of: 'src/server/webhooks/options.ts#WebhooksOptions', title: 'webhooks' },
      { of: 'src/server/storage-events/options.ts#EventsOptions', title: 'events' },
      { of: 'src/server/storage-events/sns.ts#SnsOptions', title: 'events.sns' },
      { of: 'src/server/create-uploads.ts#Uploads', title: 'What createUploads returns', kind: 'members' },
      { of: 'src/server/views/views.ts#PresignViewOptions', title: 'uploads.presignView' },
      { of: 'src/server/sweep/report.ts#SweepOptions', title: 'uploads.sweep' },
      { of: 'src/server/files/types.ts#FileOptions', title: 'uploads.head' },
      { of: 'src/server/files/types.ts#ChangeOptions', title: 'uploads.rename and uploads.delete' },
      { of: 'src/server/files/types.ts#CopyFileOptions', title: 'uploads.copy' },
      { of: 'src/server/files/types.ts#ListOptions', title: 'uploads.list' },
      { of: 'src/server/files/types.ts#ExportOptions', title: 'uploads.exportOwner' },
      { of: 'src/server/files/types.ts#ForgetOptions', title: 'uploads.forgetOwner' },
    ],
  },
  {
    title: 'route',
    module: 'waybill/server',
    fn: 'src/server/route.ts#route',
    tables: [
      { of: 'src/server/route-definition.ts#RouteDefinition' },
      { of: 'src/protocol/limits.ts#Limits', title: 'limits' },
      { of: 'src/server/callback-inputs.ts#AuthorizeInput', title: 'What authorize gets', kind: 'members' },
      { of: 'src/server/callback-inputs.ts#KeyInput', title: 'What key gets', kind: 'members' },
      { of: 'src/server/callback-inputs.ts#InspectInput', title: 'What inspect gets', kind: 'members' },
      { of: 'src/server/callback-inputs.ts#CompleteInput', title: 'What onComplete gets', kind: 'members' },
      { of: 'src/server/callback-inputs.ts#RejectInput', title: 'What onReject gets', kind: 'members' },
      {
        of: 'src/server/callback-inputs.ts#GrantedFile',
        title: 'The granted file of onReject and onExpire',
        kind: 'members',
      },
      { of: 'src/server/callback-inputs.ts#ExpireInput', title: 'What onExpire gets', kind: 'members' },
      { of: 'src/server/callback-inputs.ts#DeleteInput', title: 'What onDelete gets', kind: 'members' },
      { of: 'src/protocol/wire.ts#StoredFile', title: 'file', kind: 'members' },
    ],
  },
  {
    title: 'startUpkeep',
    module: 'waybill/server',
    fn: 'src/server/upkeep.ts#startUpkeep',
    tables: [
      { of: 'src/server/sweep/loop.ts#SweepLoopOptions' },
      { of: 'src/server/upkeep.ts#UpkeepOptions', title: 'Delivery of webhooks, and the queue of storage events' },
      { of: 'src/server/storage-events/queue.ts#SqsQueueOptions', title: 'sqsQueue' },
      { of: 'src/server/webhooks/deliver.ts#DeliveryOptions', title: 'Options of uploads.deliverWebhooks' },
    ],
  },
  {
    title: 'toNodeHandler',
    module: 'waybill/adapters/node',
    fn: 'src/adapters/node.ts#toNodeHandler',
    tables: [],
  },
  {
    title: 'toExpressHandler',
    module: 'waybill/adapters/express',
    fn: 'src/adapters/express.ts#toExpressHandler',
    tables: [],
  },
  {
    title: 'toFastifyPlugin',
    module: 'waybill/adapters/fastify',
    fn: 'src/adapters/fastify.ts#toFastifyPlugin',
    tables: [],
  },
  {
    title: 'toFetchHandler',
    module: 'waybill/adapters/fetch',
    fn: 'src/adapters/fetch.ts#toFetchHandler',
    tables: [],
  },
  {
    title: 'toH3Handler',
    module: 'waybill/adapters/h3',
    fn: 'src/adapters/h3.ts#toH3Handler',
    tables: [],
  },
  {
    title: 'toHonoHandler',
    module: 'waybill/adapters/hono',
    fn: 'src/adapters/hono.ts#toHonoHandler',
    tables: [],
  },
  {
    title: 'toKoaHandler',
    module: 'waybill/adapters/koa',
    fn: 'src/adapters/koa.ts#toKoaHandler',
    tables: [],
  },
  {
    title: 'toLambdaHandler',
    module: 'waybill/adapters/lambda',
    fn: 'src/adapters/lambda.ts#toLambdaHandler',
    tables: [],
  },
  {
    title: 'toNextHandler',
    module: 'waybill/adapters/next',
    fn: 'src/adapters/next.ts#toNextHandler',
    tables: [],
  },
  {
    title: 'waybillNuxtModule',
    module: 'waybill/adapters/nuxt',
    fn: 'src/adapters/nuxt.ts#waybillNuxtModule',
    tables: [{ of: 'src/adapters/nuxt.ts#NuxtModuleOptions' }],
  },
  {
    title: 'toReactRouterHandler',
    module: 'waybill/adapters/react-router',
    fn: 'src/adapters/react-router.ts#toReactRouterHandler',
    tables: [],
  },
  {
    title: 'toSvelteKitHandle',
    module: 'waybill/adapters/sveltekit',
    fn: 'src/adapters/sveltekit.ts#toSvelteKitHandle',
    tables: [],
  },
  {
    title: 'WaybillModule.forRoot',
    module: 'waybill/adapters/nest',
    fn: 'src/adapters/nest.ts#WaybillModule',
    tables: [{ of: 'src/adapters/nest.ts#WaybillModuleOptions' }],
  },
  {
    title: 'sqliteLedger',
    module: 'waybill/ledger/sqlite',
    fn: 'src/ledger/sqlite.ts#sqliteLedger',
    tables: [{ of: 'src/ledger/sqlite.ts#SqliteLedgerOptions' }],
  },
  {
    title: 'postgresLedger',
    module: 'waybill/ledger/postgres',
    fn: 'src/ledger/postgres.ts#postgresLedger',
    tables: [{ of: 'src/ledger/postgres-with.ts#PostgresLedgerOptions' }],
  },
  {
    title: 'mysqlLedger',
    module: 'waybill/ledger/mysql',
    fn: 'src/ledger/mysql.ts#mysqlLedger',
    tables: [{ of: 'src/ledger/mysql-with.ts#MysqlLedgerOptions' }],
  },
  {
    title: 'postgresRateLimits',
    module: 'waybill/ledger/postgres',
    fn: 'src/ledger/rate-limits.ts#postgresRateLimits',
    tables: [{ of: 'src/ledger/rate-limits.ts#PostgresRateLimitsOptions' }],
  },
  {
    title: 'openLedger',
    module: 'waybill/ledger',
    fn: 'src/ledger/index.ts#openLedger',
    tables: [{ of: 'src/ledger/index.ts#OpenLedgerOptions' }],
  },
  {
    title: 'createClient',
    module: 'waybill/client',
    fn: 'src/client/index.ts#createClient',
    tables: [
      { of: 'src/client/types.ts#ClientOptions' },
      { of: 'src/client/types.ts#Client', title: 'What createClient returns', kind: 'members' },
      { of: 'src/client/types.ts#UploadOptions', title: 'client.upload(route, file, options)' },
      { of: 'src/client/types.ts#Upload', title: 'What client.upload returns', kind: 'members' },
      { of: 'src/client/types.ts#UploadSnapshot', title: 'upload.getSnapshot()', kind: 'members' },
      { of: 'src/client/types.ts#Resumable', title: 'client.resumable()', kind: 'members' },
      { of: 'src/client/types.ts#Source', title: 'Source: any other kind of file', kind: 'members' },
    ],
  },
  {
    title: 'createPut',
    module: 'waybill/client/put',
    fn: 'src/client/put.ts#createPut',
    tables: [
      { of: 'src/client/types.ts#ClientOptions', only: ['endpoint', 'headers', 'credentials', 'retries'] },
      { of: 'src/client/put.ts#PutOptions', title: 'put(route, file, options)' },
    ],
  },
  {
    title: 'createClient on Node',
    module: 'waybill/client/node',
    fn: 'src/client/node/index.ts#createClient',
    intro: 'The options are those of [`createClient`](#createclient).',
    tables: [],
  },
  {
    title: 'fileSource',
    module: 'waybill/client/node',
    fn: 'src/client/node/file-source.ts#fileSource',
    tables: [{ of: 'src/client/node/file-source.ts#FileSourceOptions' }],
  },
  {
    title: 'fileResumeStore',
    module: 'waybill/client/node',
    fn: 'src/client/node/resume-store.ts#fileResumeStore',
    tables: [{ of: 'src/client/node/resume-store.ts#FileResumeStoreOptions' }],
  },
  {
    title: 'nodeTransport',
    module: 'waybill/client/node',
    fn: 'src/client/node/transport.ts#nodeTransport',
    tables: [{ of: 'src/client/node/transport.ts#NodeTransportOptions' }],
  },
  {
    title: 'browserResumeStore',
    module: 'waybill/client/resume-store',
    fn: 'src/client/browser/resume-store.ts#browserResumeStore',
    tables: [{ of: 'src/client/browser/resume-store.ts#BrowserResumeStoreOptions' }],
  },
  {
    title: 'checkContent',
    module: 'waybill/client/check-content',
    fn: 'src/client/check-content.ts#checkContent',
    tables: [],
  },
  {
    title: 'createFilesClient',
    module: 'waybill/client/files',
    fn: 'src/client/files.ts#createFilesClient',
    tables: [
      { of: 'src/client/types.ts#ClientOptions', only: ['endpoint', 'headers', 'credentials', 'retries'] },
      { of: 'src/client/files.ts#FilesClient', title: 'What createFilesClient returns', kind: 'members' },
      { of: 'src/client/files.ts#ListFilesOptions', title: 'client.listFiles(route, options)' },
      { of: 'src/client/files.ts#FileCallOptions', title: 'client.renameFile and client.deleteFile' },
    ],
  },
  {
    title: 'withPrepare',
    module: 'waybill/client/prepare',
    fn: 'src/client/prepare/with-prepare.ts#withPrepare',
    tables: [{ of: 'src/client/prepare/types.ts#PrepareOptions' }],
  },
  {
    title: 'prepareImage',
    module: 'waybill/client/prepare',
    fn: 'src/client/prepare/prepare-image.ts#prepareImage',
    tables: [{ of: 'src/client/prepare/types.ts#ImageOptions' }],
  },
  {
    title: 'prepareThumbnail',
    module: 'waybill/client/prepare',
    fn: 'src/client/prepare/prepare-thumbnail.ts#prepareThumbnail',
    tables: [{ of: 'src/client/prepare/prepare-thumbnail.ts#ThumbnailOptions' }],
  },
  {
    title: 'groupUploads',
    module: 'waybill/client/prepare',
    fn: 'src/client/prepare/group-uploads.ts#groupUploads',
    tables: [
      { of: 'src/client/prepare/group-uploads.ts#UploadGroup', title: 'What groupUploads returns', kind: 'members' },
      { of: 'src/client/prepare/group-uploads.ts#UploadGroupSnapshot', title: 'group.getSnapshot()', kind: 'members' },
    ],
  },
  {
    title: 'decodeHeic',
    module: 'waybill/client/prepare/heic',
    fn: 'src/client/prepare/heic.ts#decodeHeic',
    tables: [],
  },
  {
    title: 'filesOf',
    module: 'waybill/client/folders',
    fn: 'src/client/folders.ts#filesOf',
    tables: [{ of: 'src/client/folders.ts#FilesOfOptions' }],
  },
  {
    title: 'useUpload',
    module: 'waybill/react',
    fn: 'src/react/use-upload.ts#useUpload',
    intro: '[bindings.md](bindings.md) describes the same functions for Vue, Svelte, Solid and Angular.',
    tables: [
      { of: 'src/bindings/types.ts#UseUploadOptions' },
      { of: 'src/react/use-upload.ts#UseUpload', title: 'What useUpload returns', kind: 'members' },
      { of: 'src/bindings/types.ts#UploadActions', title: 'The actions of useUpload', kind: 'members' },
    ],
  },
  {
    title: 'useUploads',
    module: 'waybill/react',
    fn: 'src/react/use-uploads.ts#useUploads',
    tables: [
      { of: 'src/react/use-uploads.ts#UseUploads', title: 'What useUploads returns', kind: 'members' },
      { of: 'src/bindings/types.ts#UploadsActions', title: 'The actions of useUploads', kind: 'members' },
    ],
  },
  {
    title: 'useRoute',
    module: 'waybill/react',
    fn: 'src/react/use-route.ts#useRoute',
    tables: [{ of: 'src/bindings/route-state.ts#RouteState', title: 'What useRoute returns', kind: 'members' }],
  },
  {
    title: 'useDropzone',
    module: 'waybill/react',
    fn: 'src/react/use-dropzone.ts#useDropzone',
    tables: [
      { of: 'src/bindings/dropzone-types.ts#DropzoneOptions' },
      { of: 'src/react/use-dropzone.ts#UseDropzone', title: 'What useDropzone returns', kind: 'members' },
      { of: 'src/bindings/dropzone-types.ts#DropzoneState', title: 'The state of useDropzone', kind: 'members' },
      { of: 'src/bindings/dropzone-types.ts#Rejection', title: 'rejections', kind: 'members' },
    ],
  },
  {
    title: 'WaybillUploader',
    module: 'waybill/uppy',
    fn: 'src/uppy/index.ts#WaybillUploader',
    tables: [
      { of: 'src/uppy/index.ts#UploaderOptions' },
      { of: 'src/uppy/index.ts#UploaderMetadata', title: 'WaybillUploader: metadata' },
    ],
  },
  {
    title: 'filePondServer',
    module: 'waybill/filepond',
    fn: 'src/filepond/index.ts#filePondServer',
    tables: [
      { of: 'src/filepond/index.ts#FilePondServerOptions' },
      { of: 'src/filepond/index.ts#FilePondMetadata', title: 'filePondServer: metadata' },
    ],
  },
  {
    title: 'createDevstore',
    module: 'waybill/devstore',
    fn: 'src/devstore/index.ts#createDevstore',
    tables: [
      { of: 'src/devstore/options.ts#DevstoreOptions' },
      { of: 'src/devstore/options.ts#DevstoreCredentials', title: 'credentials' },
      { of: 'src/devstore/cors-rules.ts#CorsRule', title: 'cors' },
      { of: 'src/devstore/fault-injector.ts#StoreFault', title: 'faults: deliberate faults' },
      { of: 'src/devstore/index.ts#Devstore', title: 'What createDevstore returns', kind: 'members' },
    ],
  },
];

/**
 * Public options without a section: those of the requests that a `Storage` signs and sends, which apps do not make
 * themselves, and those of error classes.
 */
export const withoutSection = new Set([
  // For `storage.check()`, which apps call as `uploads.check()`.
  'CheckOptions',
  'CompleteMultipartOptions',
  'CopyOptions',
  'CopyPartOptions',
  'CreateMultipartOptions',
  'PresignFormOptions',
  'PresignGetOptions',
  'PresignPartOptions',
  'PresignPutOptions',
  'FilesClientOptions',
  'PutClientOptions',
  'S3ErrorOptions',
  'VerifyOptions',
  'WaybillErrorOptions',
]);

/** Returns the members of a table that the page shows. */
export function membersOf(/** @type {string} */ root, /** @type {Table} */ { of, only, omit = [] }) {
  return readDeclaration(root, of).members.filter(
    ({ name, doc }) =>
      !doc?.internal && !name.startsWith('$') && !omit.includes(name) && (!only || only.includes(name)),
  );
}

/** Renders the whole page. */
export function renderReference(/** @type {string} */ root) {
  const lines = [
    '# Reference',
    '',
    'This page lists every option. `npm run docs` writes it from the docstrings of the sources. Where options are checked at start-up,',
    'an unknown option is an error (`config_invalid`). Units are in the names: `maxBytes`, `timeoutMs`, `expiresInSeconds`.',
    '[protocol.md](protocol.md) describes the HTTP calls and all error codes.',
    '',
    ...sections.map(({ title }) => `- [${title}](#${anchorOf(title)})`),
  ];
  for (const { title, module, fn, intro, tables } of sections) {
    lines.push('', `## ${title}`, '');
    const name = fn?.split('#')[1] ?? title;
    lines.push('```ts', `import { ${name} } from '${module}';`, '```');
    const doc = fn ? readDeclaration(root, fn).doc : null;
    if (doc?.text) lines.push('', doc.text);
    if (intro) lines.push('', intro);
    for (const example of doc?.examples ?? []) lines.push('', '```ts', unfenced(example), '```');
    for (const text of doc?.throws ?? []) lines.push('', `It throws ${text}.`);
    for (const table of tables) {
      const rows = membersOf(root, table);
      if (rows.length === 0) throw new Error(`${table.of} has no members to show.`);
      if (table.title) lines.push('', `### ${table.title}`);
      const about = table.title ? readDeclaration(root, table.of).doc?.text : '';
      if (about) lines.push('', about);
      const asOptions = table.kind !== 'members';
      const examples = rows.some((row) => (row.doc?.examples.length ?? 0) > 0);
      const head = ['name', 'type', ...(asOptions ? ['default'] : []), 'meaning', ...(examples ? ['example'] : [])];
      if (asOptions) head[0] = 'option';
      lines.push('', row(head), row(head.map(() => '---')));
      for (const { name, type, optional, doc } of rows)
        lines.push(
          row([
            `\`${name}\``,
            code(type),
            ...(asOptions ? [optional ? defaultOf(doc?.defaults[0] ?? 'none') : 'required'] : []),
            meaning(doc, asOptions),
            ...(examples ? [code(doc?.examples[0] ?? '')] : []),
          ]),
        );
    }
  }
  return `${lines.join('\n')}\n`;
}

function meaning(
  /** @type {ReturnType<typeof import('./docstrings.mjs').readDocstring> | null} */ doc,
  /** @type {boolean} */ asOptions,
) {
  const parts = [cell(doc?.text ?? '')];
  if (!asOptions && doc?.defaults[0]) parts.push(`Default: ${cell(doc.defaults[0])}.`);
  for (const text of doc?.throws ?? []) parts.push(`Throws ${cell(text)}.`);
  return parts.filter((part) => part !== '').join(' ');
}

/** Formats values as code and sentences as text. */
function defaultOf(/** @type {string} */ text) {
  return cell(text.replace(/^('[^']*'|[\d_]{3,}|\d+|true|false|\[\]|\w+\.\w+)(?=$|[ :])/, '`$1`'));
}

const row = (/** @type {string[]} */ cells) => `| ${cells.join(' | ')} |`;
const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|');
const code = (/** @type {string} */ text) => (text === '' ? '' : `\`${cell(text.replace(/\s+/g, ' ').trim())}\``);
const unfenced = (/** @type {string} */ text) => text.replace(/^```\w*\n|\n?```$/g, '');

/** The anchor that GitHub gives to a heading. */
export function anchorOf(/** @type {string} */ heading) {
  return heading
    .toLowerCase()
    .replace(/`/g, '')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
