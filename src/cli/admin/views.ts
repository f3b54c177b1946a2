/** The HTML of the operator's page. `html` escapes every inserted value, so that hostile names are harmless. */
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { formatBytes } from '../../protocol/index.ts';
import type {
  Counts,
  OwnerUsage,
  SweepRecord,
  UploadRecord,
  UploadState,
  Usage,
  WebhookRecord,
} from '../../server/index.ts';
import { printable } from '../terminal.ts';
import { getWebhookState, webhookStates } from '../webhook-state.ts';

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

const pages = [
  ['/', 'Overview'],
  ['/uploads', 'Uploads'],
  ['/owners', 'Owners'],
  ['/webhooks', 'Webhooks'],
] as const;

export const uploadStates = [
  'granted',
  'completing',
  'completed',
  'rejected',
  'expired',
  'aborted',
  'deleted',
] as const satisfies readonly UploadState[];

export function page(path: (typeof pages)[number][0], content: Html[], message?: string): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waybill: ${pages.find(([other]) => other === path)?.[1]}</title>
<link rel="stylesheet" href="/admin.css">
</head>
<body>
<header>
<h1>Waybill</h1>
<nav aria-label="Pages">${pages.map(
    ([href, title]) => html`<a href="${href}"${href === path ? html` aria-current="page"` : ''}>${title}</a>`,
  )}</nav>
</header>
<main>
${message === undefined ? '' : html`<p class="said" role="status">${message}</p>`}
${content}
</main>
</body>
</html>`;
}

export function overview(counts: Counts): Html {
  return html`<section aria-labelledby="now">
<h2 id="now">Uploads on record</h2>
<div class="tiles">${uploadStates.map(
    (state) =>
      html`<a href="/uploads?state=${state}"><div class="what">${state}</div><div class="many">${counts.states[state].toLocaleString('en')}</div></a>`,
  )}</div>
</section>
<section aria-labelledby="waits">
<h2 id="waits">Waiting</h2>
<div class="tiles">
${tile('callbacks parked', counts.parkedCallbacks, true)}
${tile('callbacks that will run again', counts.waitingCallbacks)}
${tile('oldest waiting callback', formatDuration(counts.callbackLagMs))}
${tile('webhooks pending', counts.pendingWebhooks)}
${tile('webhooks parked', counts.parkedWebhooks, true)}
</div>
</section>
`;
}

/** @param trouble whether a value other than 0 needs the attention of an operator */
function tile(label: string, value: number | string, trouble = false): Html {
  const text = typeof value === 'number' ? value.toLocaleString('en') : value;
  return html`<div${trouble && value !== 0 ? html` class="trouble"` : ''}><div class="what">${label}</div><div class="many">${text}</div></div>`;
}

export function lastSweep(sweep: SweepRecord | null): Html {
  if (!sweep) return html`<section><h2>The last sweep</h2><p class="none">No sweep has ended yet.</p></section>`;
  const report = Object.entries(sweep.report as Record<string, unknown>).filter(
    ([name, count]) => typeof count === 'number' && (name === 'looked' || (count > 0 && name !== 'durationMs')),
  );
  return html`<section aria-labelledby="sweep">
<h2 id="sweep">The last sweep ended ${formatTime(sweep.endedAt)}</h2>
<div class="tiles">${report.map(([name, count]) => tile(name === 'callbacksFailed' ? 'callbacks failed' : name, count as number))}</div>
</section>
<section aria-labelledby="orphans">
<h2 id="orphans">Orphans in the bucket: ${sweep.orphans.length}</h2>
${
  sweep.orphans.length === 0
    ? html`<p class="none">None known. Run <code>waybill sweep --orphans</code> to search for them.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>Key</th><th>What</th><th class="number">Size</th><th>Since</th></tr></thead>
<tbody>${sweep.orphans.map(
        ({ key, kind, size, since, removed }) =>
          html`<tr><td>${printable(key)}</td><td data-label="What">${kind}${removed ? ', deleted' : ''}</td><td class="number" data-label="Size">${size === null ? '' : formatBytes(size)}</td><td class="when" data-label="Since">${since}</td></tr>`,
      )}</tbody></table></div>`
}
</section>`;
}

export function parkedCallbacks(uploads: readonly UploadRecord[], count: number): Html {
  return html`<section aria-labelledby="parked">
<h2 id="parked">Parked callbacks: ${count.toLocaleString('en')}${count > uploads.length ? `, the newest ${uploads.length}` : ''}</h2>
${
  uploads.length === 0
    ? html`<p class="none">None. A callback is parked after it has failed for about three and a half hours.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>File</th><th>Owner</th><th>Why</th><td></td></tr></thead>
<tbody>${uploads.map(
        (upload) => html`<tr>
<td>${file(upload)}</td>
<td data-label="Owner">${printable(upload.ownerId)}</td>
<td>${reason(upload.callback.lastError)}<div class="id">${tries(upload.callback.attempts)}, parked ${upload.callback.parkedAt === null ? '' : formatTime(upload.callback.parkedAt)}</div></td>
<td>${action(`/retry/${upload.uploadId}`, 'Try again')}</td>
</tr>`,
      )}</tbody></table></div>`
}
</section>`;
}

export interface Filter {
  state?: string | undefined;
  owner?: string | undefined;
  route?: string | undefined;
  olderThan?: string | undefined;
}

export const ages = {
  '': 'any age',
  '3600000': 'over an hour',
  '86400000': 'over a day',
  '604800000': 'over a week',
} as const;

export function uploadTable(uploads: readonly UploadRecord[], filter: Filter, next: string | null, now: number): Html {
  return html`<section aria-labelledby="uploads">
<h2 id="uploads">Uploads, the newest first</h2>
<form class="filter" method="get" action="/uploads">
<label>State <select name="state"><option value="">any</option>${uploadStates.map((state) => option(state, state, filter.state))}</select></label>
<label>Age <select name="olderThan">${Object.entries(ages).map(([ms, words]) => option(ms, words, filter.olderThan))}</select></label>
<label>Owner <input name="owner" value="${filter.owner ?? ''}" autocomplete="off"></label>
<label>Route <input name="route" value="${filter.route ?? ''}" autocomplete="off"></label>
<button>Show</button>
</form>
${
  uploads.length === 0
    ? html`<p class="none">No uploads.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>State</th><th>File</th><th>Owner</th><th>Route</th><th class="number">Size</th><th>Age</th></tr></thead>
<tbody>${uploads.map(
        (upload) => html`<tr>
<td class="state ${upload.state}">${upload.state}${upload.error ? html`<div class="id">${upload.error.code}</div>` : ''}</td>
<td>${file(upload)}</td>
<td data-label="Owner">${printable(upload.ownerId)}</td>
<td data-label="Route">${upload.route}</td>
<td class="number" data-label="Size">${upload.size === null ? 'a stream' : formatBytes(upload.size)}</td>
<td class="when" data-label="Age"><time datetime="${new Date(upload.createdAt).toISOString()}">${formatDuration(now - upload.createdAt)}</time></td>
</tr>`,
      )}</tbody></table></div>`
}
${more('/uploads', { ...filter }, next)}
</section>`;
}

export function ownerTable(owners: readonly OwnerUsage[], next: string | null): Html {
  const row = (name: Html | string, usage: Usage) => html`<tr><td>${name}</td>
<td class="number" data-label="Stored">${formatBytes(usage.storedBytes)}</td><td class="number" data-label="Files">${usage.storedFiles.toLocaleString('en')}</td>
<td class="number" data-label="Pending">${formatBytes(usage.pendingBytes)}</td><td class="number" data-label="Pending files">${usage.pendingFiles.toLocaleString('en')}</td></tr>`;
  return html`<section aria-labelledby="owners">
<h2 id="owners">Usage by owner, the largest first</h2>
${
  owners.length === 0
    ? html`<p class="none">No owner has files.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>Owner</th><th class="number">Stored</th><th class="number">Files</th><th class="number">Pending</th><th class="number">Files</th></tr></thead>
<tbody>${owners.map((owner) => [
        row(html`<a href="/uploads?owner=${encodeURIComponent(owner.ownerId)}">${printable(owner.ownerId)}</a>`, owner),
        ...Object.entries(owner.routes).map(([route, usage]) => row(html`<span class="id of">${route}</span>`, usage)),
      ])}</tbody></table></div>`
}
${more('/owners', {}, next)}
</section>`;
}

export function webhookTable(webhooks: readonly WebhookRecord[], state: string | undefined, next: string | null): Html {
  return html`<section aria-labelledby="webhooks">
<h2 id="webhooks">Webhooks, the newest first</h2>
<form class="filter" method="get" action="/webhooks">
<label>State <select name="state"><option value="">any</option>${webhookStates.map((one) => option(one, one, state))}</select></label>
<button>Show</button>
</form>
${
  webhooks.length === 0
    ? html`<p class="none">No webhooks.</p>`
    : html`<div class="scroll"><table>
<thead><tr><th>State</th><th>Message</th><th>Written</th><th>Why</th><td></td></tr></thead>
<tbody>${webhooks.map(
        (webhook) => html`<tr>
<td class="state ${getWebhookState(webhook)}">${getWebhookState(webhook)}</td>
<td>${webhook.type}<div class="id">${webhook.webhookId}</div></td>
<td class="when" data-label="Written">${formatTime(webhook.createdAt)}</td>
<td>${reason(webhook.lastError)}<div class="id">${tries(webhook.attempts)}</div></td>
<td>${action(`/replay/${webhook.webhookId}`, 'Send again')}</td>
</tr>`,
      )}</tbody></table></div>`
}
${more('/webhooks', { state }, next)}
</section>`;
}

function file({ fileName, uploadId, contentType }: UploadRecord): Html {
  return html`${printable(fileName)}<div class="id">${printable(contentType)} · ${uploadId}</div>`;
}

function action(path: string, words: string): Html {
  return html`<form method="post" action="${path}"><button>${words}</button></form>`;
}

function option(value: string, words: string, chosen: string | undefined): Html {
  return html`<option value="${value}"${value === (chosen ?? '') ? html` selected` : ''}>${words}</option>`;
}

function more(path: string, query: Record<string, string | undefined>, next: string | null): Html | '' {
  if (next === null) return '';
  const search = new URLSearchParams({ after: next });
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  return html`<a class="more" href="${path}?${search.toString()}">Next page</a>`;
}

function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const units = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const;

function formatDuration(ms: number): string {
  for (const [size, name] of units) if (ms >= size) return `${Math.floor(ms / size)} ${name}`;
  return '0 s';
}

function tries(count: number): string {
  return count === 1 ? '1 try' : `${count} tries`;
}

/** Shows the first line of an error. The other lines appear when the operator opens it. */
function reason(text: string | null): Html | '' {
  if (text === null) return '';
  const [first = '', ...rest] = text.split('\n').slice(0, 20).map(printable);
  if (rest.length === 0) return html`<div class="why">${first}</div>`;
  return html`<details class="why"><summary>${first}</summary><pre>${rest.join('\n')}</pre></details>`;
}
