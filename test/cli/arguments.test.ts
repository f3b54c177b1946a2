import { describe, expect, it } from 'vitest';
import { loadCommands, run } from '../../src/cli/index.ts';
import { createFakeTerminal } from './fake-terminal.ts';

const commands = await loadCommands();

async function type(...args: string[]) {
  const terminal = createFakeTerminal();
  const code = await run(args, terminal);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

describe('waybill --help', () => {
  it('lists every command', async () => {
    for (const args of [[], ['--help'], ['-h'], ['help']]) {
      const { code, stdout } = await type(...args);
      expect(code).toBe(0);
      for (const { name, summary } of commands) expect(stdout).toContain(`${name.padEnd(8)}  ${summary}`);
    }
    expect(commands.length).toBeGreaterThanOrEqual(3);
  });

  it.each(commands.map(({ name }) => name))(
    'for %s explains every option, example and exit code in 80 columns',
    async (name) => {
      const command = commands.find((one) => one.name === name);
      const answers = [await type(name, '--help'), await type('help', name), await type(name, '-h')];
      for (const { code, stdout } of answers) {
        expect(code).toBe(0);
        for (const option of command?.options ?? []) expect(stdout).toContain(`--${option.name}`);
        for (const [line] of command?.examples ?? []) expect(stdout).toContain(line);
        for (const [exit] of command?.exits ?? []) expect(stdout).toMatch(new RegExp(`^  ${exit} `, 'm'));
        const prose = stdout.split('\n').filter((line) => !line.startsWith('  waybill'));
        expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80);
      }
    },
  );

  it('--version prints the version', async () => {
    expect((await type('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['dve'], 'There is no command "dve". Did you mean dev?'],
    [['devstroe'], 'Did you mean devstore?'],
    [['upload'], 'There is no command "upload"'],
    [['constructor'], 'There is no command "constructor".'],
    [['--prot'], 'There is no option --prot before a command.'],
    [['help', 'de'], 'Did you mean dev?'],
    [['dev', '--prot', '80'], 'There is no option --prot. Did you mean --port?'],
    [['dev', '--constructor'], 'There is no option --constructor.'],
    [['dev', '-x'], 'There is no option -x.'],
    [['dev', '--port'], '--port needs a value: --port PORT'],
    [['dev', '--port', '--quiet'], '--port needs a value'],
    [['dev', '--quiet=yes'], '--quiet takes no value.'],
    [['dev', '--port', '1', '--port', '2'], '--port is given twice.'],
    [['dev', '--port', 'http'], '"http" is not a port'],
    [['dev', '--port', '65536'], '"65536" is not a port'],
    [['dev', '--port=-1'], '"-1" is not a port'],
    [['dev', 'now'], 'waybill dev takes no arguments, but got "now".'],
    [['dev', '--host', '0.0.0.0'], '0.0.0.0 can be reached by others'],
    [['dev', '--host', '192.168.0.9'], '192.168.0.9 can be reached by others'],
    [['dev', '--host', '::'], ':: can be reached by others'],
    [['dev', '--host', 'a b'], '"a b" is not an address'],
    [['devstore', '--host', '0.0.0.0'], '0.0.0.0 can be reached by others'],
    [['devstore', '--access-key', 'abc'], '--access-key and --secret-key belong together'],
    [['devstore', '--access-key', 'a/b', '--secret-key', 'longenough'], '--access-key takes 3 to 128'],
    [['devstore', '--access-key', 'abc', '--secret-key', 'short'], '--secret-key takes 8 to 128'],
    [['devstore', '--cors', 'localhost:5173/'], '"localhost:5173/" is not an origin.'],
    [['up'], 'No files were given.'],
    [['up', 'package.json'], '--to is missing'],
    [['up', 'package.json', '--to', 'http://127.0.0.1:1'], '--route is missing'],
    [['up', 'package.json', '--to', '127.0.0.1:4400', '--route', 'files'], 'Did you mean http://127.0.0.1:4400?'],
    [['up', 'package.json', '--to', 'ftp://a.example', '--route', 'files'], '"ftp://a.example" is not a URL.'],
    [['up', 'package.json', '--to', 'nonsense here', '--route', 'files'], '"nonsense here" is not a URL.'],
    [['up', 'package.json', '--to', 'http://a:b@c.example', '--route', 'files'], 'must not contain a user name'],
    [['up', 'package.json', '--to', 'http://c.example/?x=1', '--route', 'files'], '--to must not contain "?"'],
    [['up', 'package.json', '--to', 'http://c.example', '-r', 'files', '-H', 'token'], "must look like 'Name: value'"],
    [
      ['up', 'package.json', '--to', 'http://c.example', '-r', 'files', '-H', 'a: b\nc: d'],
      "must look like 'Name: value'",
    ],
    [['up', 'package.json', '--to', 'http://c.example', '-r', 'files', '--metadata', '{'], '--metadata is not JSON.'],
    [['up', 'nowhere.jpg', '--to', 'http://c.example', '-r', 'files'], 'nowhere.jpg: it does not exist'],
    [['up', '-', '-', '--to', 'http://c.example', '-r', 'files'], 'Standard input can be sent only once.'],
    [['up', 'package.json', '--name', 'x', '--to', 'http://c.example', '-r', 'files'], '--name is for standard input'],
    [['up', 'package.json/x', '--to', 'http://c.example', '-r', 'files'], 'a part of the path is a file'],
  ])('%j exits with 2 and says why', async (args, message) => {
    const { code, stdout, stderr } = await type(...args);
    expect(stderr).toContain(`waybill: `);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(2);
    expect(stdout).toBe('');
  });

  it('names every file that cannot be read and sends none', async () => {
    const { stderr, code } = await type(
      'up',
      'package.json',
      'a.jpg',
      'b.jpg',
      '--to',
      'http://127.0.0.1:1',
      '-r',
      'files',
    );
    expect(stderr).toContain('a.jpg: it does not exist');
    expect(stderr).toContain('b.jpg: it does not exist');
    expect(stderr).toContain('Nothing was sent.');
    expect(code).toBe(2);
  });

  it('does not repeat a header, which may be a token', async () => {
    const { stderr } = await type('up', 'package.json', '--to', 'http://c.example', '-r', 'f', '-H', 'sesame-token');
    expect(stderr).not.toContain('sesame');
  });

  it('prints no control characters of the typed words', async () => {
    const stderr = (await type('de\u001b[2Jv\u202E')).stderr.replaceAll('\n', '');
    expect(stderr).not.toMatch(/[\p{Cf}\p{Cc}]/u);
  });
});
