/** Finds the programs of the other browser engines. Each function returns undefined when there is none. */
import { join } from 'node:path';
import { executable, findOnPath } from './debian.mjs';

/** $FIREFOX_PATH, the PATH, or the usual places. Any Firefox with WebDriver BiDi will do. */
export function findFirefox() {
  const named = process.env.FIREFOX_PATH;
  if (named) return executable(named) ? named : undefined;
  const usual = [
    '/Applications/Firefox.app/Contents/MacOS/firefox',
    join(process.env.PROGRAMFILES ?? 'C:/Program Files', 'Mozilla Firefox/firefox.exe'),
  ];
  return findOnPath('firefox-esr') ?? findOnPath('firefox') ?? usual.find(executable);
}

/** The driver of WebKitGTK. It starts the MiniBrowser that it was built with. */
export const findWebkitDriver = () => findOnPath('WebKitWebDriver');

/** The virtual display that WebKitGTK draws on. */
export const findXvfb = () => findOnPath('Xvfb');
