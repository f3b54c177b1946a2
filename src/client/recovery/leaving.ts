/**
 * WebKit fails every read, even of memory, from the `beforeunload` event until the next page replaces this one. The
 * answer may also be a download, and then the page stays. An upload that fails meanwhile would lose its resume entry.
 * The test is in test/engines/main-path.test.ts.
 */
import type { Tools } from '../tools.ts';
import { sleep } from './pressure.ts';

const askAgainMs = 500;

/** Waits while the page is being left. Returns whether it was. @throws the reason of the signal */
export async function waitWhilePageIsLeft(tools: Tools, signal: AbortSignal): Promise<boolean> {
  let wasLeft = false;
  while (await cannotReadMemory()) {
    wasLeft = true;
    await sleep(tools, askAgainMs, signal);
  }
  return wasLeft;
}

async function cannotReadMemory(): Promise<boolean> {
  try {
    await new Blob(['x']).arrayBuffer();
    return false;
  } catch (error) {
    // Platforms without `arrayBuffer` (React Native) throw a TypeError.
    return (error as Error).name === 'NotReadableError';
  }
}
