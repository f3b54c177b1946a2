import { describe, expect, it } from 'vitest';
import { filesOf, isOrdinary } from './folders.ts';

/** A folder as the older API of browsers gives it: some entries at a time. */
function folder(name: string, children: unknown[]) {
  return {
    name,
    isFile: false,
    isDirectory: true,
    createReader() {
      let at = 0;
      return {
        readEntries(give: (entries: unknown[]) => void) {
          give(children.slice(at, at + 100));
          at += 100;
        },
      };
    },
  };
}

const entry = (name: string, text = name) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (give: (file: File) => void) => give(new File([text], name, { lastModified: 7 })),
});
const broken = (name: string) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (_: unknown, fail: (error: Error) => void) => fail(new Error('gone')),
});

function dropped(...entries: { name: string }[]): DataTransfer {
  let over = false;
  queueMicrotask(() => {
    over = true;
  });
  const items = entries.map((item) => ({
    kind: 'file',
    webkitGetAsEntry: () => (over ? null : item),
    getAsFile: () => null,
  }));
  return { items: [{ kind: 'string' }, ...items] } as unknown as DataTransfer;
}

describe('filesOf() of a dropped folder', () => {
  it('gives every file with its path, for any number of entries that the browser gives at a time', async () => {
    const many = Array.from({ length: 250 }, (_, n) => entry(`${n}.jpg`));
    const files = await filesOf(
      dropped(folder('photos', [folder('2026', many), entry('index.txt')]), entry('lone.txt')),
    );
    expect(files).toHaveLength(252);
    const paths = files.map(({ relativePath }) => relativePath);
    expect(paths.slice(9, 11)).toEqual(['photos/2026/9.jpg', 'photos/2026/10.jpg']);
    expect(paths.slice(248)).toEqual(['photos/2026/248.jpg', 'photos/2026/249.jpg', 'photos/index.txt', 'lone.txt']);
    const last = files.at(-1);
    expect(last).toMatchObject({ fileName: 'lone.txt', size: 8, fingerprint: 'lone.txt 8 7' });
    expect(new TextDecoder().decode(await last?.read(1, 4))).toBe('one');
  });

  it('leaves out files of file managers, and what the filter refuses, without reading such folders', async () => {
    const tree = () =>
      dropped(
        folder('a', [entry('.DS_Store'), entry('THUMBS.DB'), entry('._x'), folder('.git', [entry('y')]), entry('x')]),
      );
    const paths = async (options?: Parameters<typeof filesOf>[1]) =>
      (await filesOf(tree(), options)).map(({ relativePath }) => relativePath);
    expect(await paths()).toEqual(['a/.git/y', 'a/x']);
    expect(await paths({ filter: (found) => isOrdinary(found) && found.relativePath !== 'a/.git' })).toEqual(['a/x']);
    expect(await paths({ filter: ({ folder }) => folder })).toEqual([]);
  });

  it('calls onUnreadable for what cannot be read, and gives the other files', async () => {
    const unreadable: string[] = [];
    const files = await filesOf(dropped(folder('a', [broken('b'), entry('c')])), {
      onUnreadable: (path) => unreadable.push(path),
    });
    expect(files.map(({ fileName }) => fileName)).toEqual(['c']);
    expect(unreadable).toEqual(['a/b']);
  });
});

describe('filesOf() of chosen files', () => {
  it('gives paths from the chosen folder, and filters by folder as well', async () => {
    const chosen = (webkitRelativePath: string) =>
      Object.assign(new File(['x'], webkitRelativePath.split('/').at(-1) ?? '', { lastModified: 3 }), {
        webkitRelativePath,
      });
    const files = [chosen('a/b.txt'), chosen('a/Thumbs.db'), chosen('a/skip/c.txt'), new File(['y'], 'd.txt')];
    const filter = (found: { fileName: string }) => isOrdinary(found) && found.fileName !== 'skip';
    const found = await filesOf(files, { filter });
    expect(found.map(({ relativePath }) => relativePath)).toEqual(['a/b.txt', 'd.txt']);
    expect(found[0]?.fingerprint).toBe('a/b.txt 1 3');
  });
});
