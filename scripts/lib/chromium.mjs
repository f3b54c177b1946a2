/** Finds Chromium: $CHROMIUM_PATH, the usual places, the cache of Playwright. Returns undefined when there is none. */
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { executable } from './debian.mjs';

export function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named) return executable(named) ? named : undefined;
  return [...usualPlaces(), ...playwrightCache()].find(executable);
}

function usualPlaces() {
  return [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/snap/bin/chromium',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    join(process.env.PROGRAMFILES ?? 'C:/Program Files', 'Google/Chrome/Application/chrome.exe'),
  ];
}

/** `npx playwright install chromium` installs builds there. The newest has the highest number. */
function playwrightCache() {
  const caches = {
    linux: [join(homedir(), '.cache/ms-playwright'), 'chrome-linux/chrome'],
    darwin: [join(homedir(), 'Library/Caches/ms-playwright'), 'chrome-mac/Chromium.app/Contents/MacOS/Chromium'],
    win32: [join(process.env.LOCALAPPDATA ?? '', 'ms-playwright'), 'chrome-win/chrome.exe'],
  };
  const [cache, program] = caches[process.platform] ?? [];
  if (!cache) return [];
  return listNames(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .sort((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((name) => [
      join(cache, name, program),
      join(cache, name, program.replace('chrome-linux', 'chrome-linux64')),
    ]);
}

function listNames(dir) {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
