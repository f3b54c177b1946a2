/** Installs the programs that the suites need and that npm does not provide, or records why suites will be skipped. */
import { existsSync, readdirSync } from 'node:fs';
import { findChromium } from './chromium.mjs';
import { aptInstall, canAptInstall, onPath } from './debian.mjs';
import { findFirefox, findWebkitDriver, findXvfb } from './engines.mjs';

export function ensureChromium(tally) {
  return ensure(tally, {
    what: 'Chromium, for the browser suites',
    present: () => findChromium() !== undefined,
    packages: ['chromium', 'fonts-liberation'],
    otherwise: 'set CHROMIUM_PATH, or run npx playwright install chromium',
  });
}

export function ensureFirefox(tally) {
  return ensure(tally, {
    what: 'Firefox, the second browser engine',
    present: () => findFirefox() !== undefined,
    packages: ['firefox-esr'],
    otherwise: 'install Firefox, or set FIREFOX_PATH',
  });
}

export function ensureWebkit(tally) {
  return ensure(tally, {
    what: 'WebKitGTK with its driver, the third browser engine',
    present: () => findWebkitDriver() !== undefined && findXvfb() !== undefined,
    packages: ['webkit2gtk-driver', 'xvfb'],
    otherwise: 'install WebKitWebDriver and Xvfb (Linux only)',
  });
}

export function ensureCeph(tally) {
  const programs = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
  return ensure(tally, {
    what: 'Ceph, the second S3 server of the suites',
    present: () => programs.every(onPath),
    packages: ['ceph-mon', 'ceph-osd', 'radosgw'],
    otherwise: 'run the tests in a Debian container, or name any S3 server by S3_TEST_ENDPOINT (see CONTRIBUTING.md)',
  });
}

export function ensurePostgres(tally) {
  const base = '/usr/lib/postgresql';
  return ensure(tally, {
    what: 'PostgreSQL, for the ledger',
    present: () => onPath('initdb') || (existsSync(base) && readdirSync(base).length > 0),
    packages: ['postgresql'],
    otherwise: 'install PostgreSQL 14 or newer, with initdb on the PATH',
  });
}

export function ensureMariadb(tally) {
  return ensure(tally, {
    what: 'MariaDB, for the ledger in MySQL',
    present: () => onPath('mariadbd') || existsSync('/usr/sbin/mariadbd'),
    packages: ['mariadb-server'],
    otherwise: 'install MariaDB 10.6 or newer, with mariadbd and mariadb-install-db on the PATH',
  });
}

export function ensureSharedMimeInfo(tally) {
  return ensure(tally, {
    what: "freedesktop's shared-mime-info, which a test compares with the table of formats",
    present: () => existsSync('/usr/share/mime/aliases'),
    packages: ['shared-mime-info'],
    otherwise: 'install shared-mime-info',
  });
}

async function ensure(tally, { what, present, packages, otherwise }) {
  if (present()) return;
  if (canAptInstall() && (await aptInstall(packages)) && present()) return;
  tally.skip(
    `${what}, is not installed. On Debian: apt-get install --no-install-recommends ${packages.join(' ')}; on other systems: ${otherwise}`,
  );
}
