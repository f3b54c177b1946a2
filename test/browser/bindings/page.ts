/** What the pages of all frameworks share: a real client, files, and requests to the storage that a test can hold. */
import { browserTransport } from '../../../src/client/browser/transport.ts';
import { type Client, createClient, type Transport } from '../../../src/client/index.ts';
import type { RoutesOf } from '../../../src/protocol/index.ts';
import type { BindingUploads } from './server.ts';

/** `one` and `aborting` have one upload; `many` has a list and a dropzone. */
export type Scene = 'one' | 'aborting' | 'many';

/** Shows a scene, and returns a function that removes it. */
export type Mount = (element: HTMLElement, scene: Scene) => () => void;

/** What a test reads and calls. */
export interface BindingPage {
  /** Each request that was started: `storage`, or its method and path. */
  readonly calls: string[];
  /** Whether requests to the storage wait for `release()`. */
  isHeld: boolean;
  release(): void;
  show(scene: Scene): void;
  hide(): void;
  /** Listeners of uploads that are not removed yet. */
  listeners: number;
}

declare global {
  interface Window {
    bindingPage: BindingPage;
  }
}

const calls: string[] = [];
const waiting: (() => void)[] = [];

const transport: Transport = {
  async send(request) {
    const { method, url, signal } = request;
    const { pathname, origin } = new URL(url, location.href);
    const isForStorage = origin !== location.origin;
    calls.push(isForStorage ? 'storage' : `${method} ${pathname}`);
    if (isForStorage && window.bindingPage.isHeld)
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    return browserTransport.send(request);
  },
};

const real = createClient<BindingUploads>({ endpoint: '/uploads', transport, resumeStore: null });

/** Counts the listeners of its uploads. */
export const client: Client<RoutesOf<BindingUploads>> = {
  ...real,
  upload: (...given) => count(real.upload(...given)),
  uploadAll: (...given) => real.uploadAll(...given).map(count),
};

function count<U extends ReturnType<typeof real.upload>>(upload: U): U {
  const subscribe: U['subscribe'] = (listener) => {
    window.bindingPage.listeners++;
    const stop = upload.subscribe(listener);
    return () => {
      window.bindingPage.listeners--;
      stop();
    };
  };
  return Object.defineProperties({} as U, {
    ...Object.getOwnPropertyDescriptors(upload),
    subscribe: { value: subscribe },
  });
}

export const picked = new File(['hello'], 'picked.txt', { type: 'text/plain' });
export const titled = (title: string) => ({ metadata: { title } });
export const otherFile = () => new File(['other'], 'other.txt', { type: 'text/plain' });
export const firstFile = (event: { target: unknown }) => (event.target as HTMLInputElement).files?.[0] as File;

/** Starts a page with the component of one framework. */
export function startPage(mount: Mount): void {
  let unmount = () => {};
  const hide = () => {
    unmount();
    unmount = () => {};
  };
  const show = (scene: Scene) => {
    hide();
    const element = document.createElement('main');
    document.body.replaceChildren(element);
    unmount = mount(element, scene);
  };
  window.bindingPage = {
    calls,
    isHeld: false,
    release() {
      this.isHeld = false;
      for (const resolve of waiting.splice(0)) resolve();
    },
    show,
    hide,
    listeners: 0,
  };
}
