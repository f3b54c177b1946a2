import { expect, it } from 'vitest';
import { listPaths, ownsPath } from './resources.ts';

const none = { events: undefined, upkeep: undefined };
const both = { events: {}, upkeep: {} };

it('listPaths() lists /events and /upkeep only when their options are set', () => {
  expect(listPaths(none)).toEqual({ exact: ['/uploads'], below: ['/uploads', '/files'] });
  expect(listPaths(both)).toEqual({ exact: ['/uploads', '/events', '/upkeep'], below: ['/uploads', '/files'] });
});

it('ownsPath() leaves /events and /upkeep to the app while their options are not set', () => {
  for (const path of ['/events', '/upkeep']) {
    expect([path, ownsPath('', none, path), ownsPath('', both, path)]).toEqual([path, false, true]);
    expect([path, ownsPath('/api', both, path), ownsPath('/api', both, `/api${path}`)]).toEqual([path, false, true]);
  }
});

it.each(['/uploads', '/uploads/', '/uploads/parts/list', '/uploads/routes/a', '/files/x'])(
  'ownsPath() owns %s',
  (path) => {
    expect(ownsPath('', none, path)).toBe(true);
  },
);

it.each(['/', '/files', '/uploads/other', '/files/x/y', '/uploadsx'])('ownsPath() leaves %s to the app', (path) => {
  expect(ownsPath('', both, path)).toBe(false);
});
