/**
 * SHA-256 of Blobs in two workers. On the page's own thread WebCrypto is no slower, but handing it 18 MB twice over holds
 * the page up for 30 to 75 ms each time (measured in Chromium 156); here for none. From a Blob, so that no bundler has to know: where a
 * page's CSP does not have `worker-src blob:`, and outside browsers, the caller does it itself.
 */

const code = `onmessage=async({data:[id,blob]})=>{let bytes;try{bytes=await blob.arrayBuffer();postMessage([id,await crypto.subtle.digest("SHA-256",bytes)])}catch{postMessage([id])}bytes?.transfer?.(0)}`;

/** Each holds one part in memory. */
const mostWorkers = 2;
const idleMs = 10_000;

interface Hand {
  worker: Worker;
  jobs: Map<number, (digest: ArrayBuffer | undefined) => void>;
}

let hands: Hand[] = [];
let broken = false;
let serial = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** They take their time to start: before there is work for them. */
export function startWorkers(): void {
  if (broken || hands.length || !globalThis.Worker) return;
  while (hands.length < mostWorkers && hire());
  rest();
}

function rest(): void {
  clearTimeout(timer);
  timer = setTimeout(dismiss, idleMs);
}

/** Base64; undefined where it cannot be done here, for whatever reason. */
export async function hashInWorker(blob: Blob): Promise<string | undefined> {
  if (broken || !globalThis.Worker || !globalThis.crypto?.subtle) return undefined;
  clearTimeout(timer);
  let hand = hands.find(({ jobs }) => jobs.size === 0);
  if (!hand) {
    hand = hands.length < mostWorkers ? hire() : hands.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a));
    if (!hand) return undefined;
  }
  const { worker, jobs } = hand;
  const id = ++serial;
  const digest = new Promise<ArrayBuffer | undefined>((resolve) => jobs.set(id, resolve));
  worker.postMessage([id, blob]);
  try {
    const bytes = await digest;
    return bytes && btoa(String.fromCharCode(...new Uint8Array(bytes)));
  } finally {
    jobs.delete(id);
    rest();
  }
}

function hire(): Hand | undefined {
  try {
    const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    const worker = new Worker(url);
    const jobs: Hand['jobs'] = new Map();
    worker.onmessage = ({ data: [id, digest] }) => {
      jobs.get(id)?.(digest);
    };
    // Refused by the page's policy: it would be again.
    worker.onerror = () => {
      broken = true;
      dismiss(true);
    };
    const hand = { worker, jobs };
    hands.push(hand);
    return hand;
  } catch {
    broken = true;
    return undefined;
  }
}

function dismiss(now?: boolean): void {
  if (!now && hands.some(({ jobs }) => jobs.size)) return;
  for (const { worker, jobs } of hands) {
    worker.terminate();
    for (const resolve of jobs.values()) resolve(undefined);
  }
  hands = [];
}
