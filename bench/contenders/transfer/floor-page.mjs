/**
 * The floor: every URL is known before the clock starts, nothing is checked, and no error is handled. It keeps six
 * connections busy for each host of the storage.
 */
import { ready } from './go.mjs';

const perHost = 6;

ready(async (files, { way, hosts = 1, partBytes, hashed = false }) => {
  const plan = await ask({ way, hosts, partBytes, files: files.map(({ name, size, type }) => ({ name, size, type })) });
  const hasher = hashed ? startHasher() : undefined;
  await hasher?.started;
  const jobs = [];
  for (const [index, file] of files.entries()) {
    if (way !== 'parts') jobs.push({ request: plan[index], body: file });
    else for (const part of plan[index].parts) jobs.push({ ...part, body: file.slice(part.start, part.end) });
  }
  const startedAt = performance.now();
  const etags = await sendAll(jobs, hosts, hasher);
  if (way === 'parts') await completeAll(plan, jobs, etags);
  hasher?.stop();
  return { completed: files.length, startedAt };
});

async function ask(body) {
  const response = await fetch('/floor/plan', { method: 'POST', body: JSON.stringify(body) });
  return response.json();
}

async function sendAll(jobs, hosts, hasher) {
  const etags = new Map();
  const hashed = hasher ? jobs.map(() => undefined) : [];
  const hash = (at) => {
    if (hasher && at < jobs.length) hashed[at] ??= hasher.digest(jobs[at].body);
  };
  hash(0);
  let next = 0;
  // The hosts alternate, so that all twelve connections of two hosts are used from the start.
  const lane = async (host) => {
    for (;;) {
      const at = next;
      if (at >= jobs.length) return;
      next++;
      const job = jobs[at];
      hash(at + 1);
      await hashed[at];
      etags.set(job, await send(Array.isArray(job.request) ? job.request[host] : job.request, job.body));
    }
  };
  await Promise.all(Array.from({ length: perHost * hosts }, (_, index) => lane(index % hosts)));
  return etags;
}

async function send({ method, url, fields, headers }, body) {
  let sent = body;
  if (fields) {
    sent = new FormData();
    for (const name in fields) sent.append(name, fields[name]);
    sent.append('file', body);
  }
  const response = await fetch(url, { method, body: sent, headers });
  if (!response.ok) throw new Error(`${method} answered ${response.status}: ${await response.text()}`);
  return response.headers.get('etag');
}

function completeAll(plan, jobs, etags) {
  return Promise.all(
    plan.map(({ complete, parts }) => {
      const listed = jobs
        .filter(({ complete: url }) => url === complete)
        .map((job, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etags.get(job)}</ETag></Part>`);
      if (listed.length !== parts.length) throw new Error('parts are missing');
      return send(
        { method: 'POST', url: complete },
        `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`,
      );
    }),
  );
}

/** Computes SHA-256 in a worker, one body after the other. */
function startHasher() {
  const code = `onmessage = async ({ data: { id, body } }) => {
    if (body) await crypto.subtle.digest('SHA-256', await body.arrayBuffer());
    postMessage(id);
  };`;
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
  const waiting = new Map();
  let serial = 0;
  let last = Promise.resolve();
  worker.onmessage = ({ data }) => waiting.get(data)();
  const digest = (body) => {
    last = last.then(
      () =>
        new Promise((resolve) => {
          waiting.set(++serial, resolve);
          worker.postMessage({ id: serial, body });
        }),
    );
    return last;
  };
  return { started: digest(undefined), digest, stop: () => worker.terminate() };
}
