/** What the suites need and npm cannot bring. */
import { existsSync, readdirSync } from 'node:fs';
import { findChromium } from './chromium.mjs';
import { aptInstall, canAptInstall, onPath } from './debian.mjs';

export function ensureChromium(tally) {
  return ensure(tally, {
    what: 'Chromium, for the browser suites',
    present: () => findChromium() !== undefined,
    packages: ['chromium', 'fonts-liberation'],
    otherwise: 'set CHROMIUM_PATH to one, or: npx playwright install chromium',
  });
}

export function ensureCeph(tally) {
  const programs = ['ceph', 'ceph-authtool', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'];
  return ensure(tally, {
    what: 'Ceph, the S3 server that we did not write',
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

export function ensureSharedMimeInfo(tally) {
  return ensure(tally, {
    what: "freedesktop's shared-mime-info, which the table of formats is held against",
    present: () => existsSync('/usr/share/mime/aliases'),
    packages: ['shared-mime-info'],
    otherwise: 'install the package of that name',
  });
}

async function ensure(tally, { what, present, packages, otherwise }) {
  if (present()) return;
  if (canAptInstall() && (await aptInstall(packages)) && present()) return;
  tally.skip(
    `${what}: not here. Debian: apt-get install --no-install-recommends ${packages.join(' ')}; elsewhere: ${otherwise}`,
  );
}
