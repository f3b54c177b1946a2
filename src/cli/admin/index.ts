/**
 * The operator's page: the content of the ledger and two actions. It has no scripts, so its policy can forbid all of
 * them.
 */
import { type Context, Hono } from 'hono';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Ledger, UploadFilter, UploadState, Uploads } from '../../server/index.ts';
import { webhookStates } from '../webhook-state.ts';
import { adminGuard, type GuardOptions } from './guard.ts';
import { style } from './style.ts';
import {
  ages,
  lastSweep,
  overview,
  ownerTable,
  page,
  parkedCallbacks,
  uploadStates,
  uploadTable,
  webhookTable,
} from './views.ts';

export interface AdminOptions extends GuardOptions {
  uploads: Pick<Uploads, 'completeUpload'>;
  ledger: Ledger;
  onError: (error: unknown) => void;
}

const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const pageSize = 50;

const retryMessages: Readonly<Record<string, string>> = {
  announced: 'The callback has run, and the upload is completed.',
  running: 'The upload is being completed.',
  failed: 'The callback failed again. It will run again later.',
  scheduled: 'The callback will run with the next sweep.',
};

export function createAdmin({ uploads, ledger, onError, ...guard }: AdminOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header('content-security-policy', policy);
    context.header('x-content-type-options', 'nosniff');
    context.header('referrer-policy', 'same-origin');
    context.header('cross-origin-opener-policy', 'same-origin');
    context.header('cross-origin-resource-policy', 'same-origin');
    context.header('cache-control', 'no-store');
  });
  app.onError((error, context) => {
    onError(error);
    return context.text('The ledger does not answer. The log has the reason. Try again.', 503);
  });
  app.use(adminGuard(guard));
  app.get('/admin.css', (context) => context.body(style, 200, { 'content-type': 'text/css; charset=utf-8' }));

  addPages(app, ledger);
  addActions(app, ledger, uploads);
  return app;
}

function addPages(app: Hono, ledger: Ledger): void {
  const show = async (context: Context, content: HtmlEscapedString | Promise<HtmlEscapedString>) =>
    context.html(await content);

  app.get('/', async (context) => {
    const [counts, sweep, parked] = await Promise.all([
      ledger.counts(),
      ledger.lastSweep(),
      ledger.list({ parked: true, limit: pageSize }),
    ]);
    const said = context.req.query('said') ?? '';
    const message = Object.hasOwn(retryMessages, said) ? retryMessages[said] : undefined;
    return show(
      context,
      page('/', [overview(counts), parkedCallbacks(parked.uploads, counts.parkedCallbacks), lastSweep(sweep)], message),
    );
  });

  app.get('/uploads', async (context) => {
    const { state, owner, route, olderThan, after } = readQuery(context);
    const now = await ledger.ping();
    const filter: UploadFilter = { limit: pageSize };
    if (state && (uploadStates as readonly string[]).includes(state)) filter.states = [state as UploadState];
    if (owner) filter.ownerId = owner;
    if (route) filter.route = route;
    if (olderThan && Object.hasOwn(ages, olderThan)) filter.createdBefore = now - Number(olderThan);
    if (after) filter.after = after;
    const { uploads: found, next } = await ledger.list(filter);
    return show(context, page('/uploads', [uploadTable(found, { state, owner, route, olderThan }, next, now)]));
  });

  app.get('/owners', async (context) => {
    const { after } = readQuery(context);
    const { owners, next } = await ledger.usageByOwner({ limit: pageSize, ...(after ? { after } : {}) });
    return show(context, page('/owners', [ownerTable(owners, next)]));
  });

  app.get('/webhooks', async (context) => {
    const { state, after, said } = readQuery(context);
    const known = webhookStates.find((one) => one === state);
    const { webhooks, next } = await ledger.listWebhooks({
      limit: pageSize,
      ...(known ? { state: known } : {}),
      ...(after ? { after } : {}),
    });
    const message = said === 'replayed' ? 'The message will be sent again in a moment.' : undefined;
    return show(context, page('/webhooks', [webhookTable(webhooks, known, next)], message));
  });
}

function addActions(app: Hono, ledger: Ledger, uploads: AdminOptions['uploads']): void {
  app.post('/retry/:uploadId{[0-9a-f]{32}}', async (context) => {
    const uploadId = context.req.param('uploadId');
    if (!(await ledger.unpark(uploadId))) return context.text('The callback of this upload is not parked.', 409);
    // The callback of an upload that has ended runs in the sweep.
    if ((await ledger.find(uploadId))?.pendingCallback) return context.redirect('/?said=scheduled', 303);
    // If it fails again, the sweep tries again.
    const outcome = await uploads.completeUpload(uploadId).then(
      (completed) => ('completing' in completed ? 'running' : 'announced'),
      () => 'failed',
    );
    return context.redirect(`/?said=${outcome}`, 303);
  });

  app.post('/replay/:webhookId{[A-Za-z0-9_]{1,100}}', async (context) => {
    if (!(await ledger.replayWebhook(context.req.param('webhookId'))))
      return context.text('There is no such message.', 404);
    return context.redirect('/webhooks?said=replayed', 303);
  });
}

/** Reads the query without NUL characters, which Postgres does not accept in text. */
function readQuery(context: Context): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(context.req.query()).map(([name, text]) => [name, text.replaceAll('\0', '')]),
  );
}
