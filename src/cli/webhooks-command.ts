/** `waybill webhooks`: what waits in the outbox, and sending it again. */
import { openLedger } from '../ledger/index.ts';
import type { Ledger, WebhookRecord } from '../server/index.ts';
import { ledgerProblem, ledgerUrl } from './app/open-app.ts';
import { readVariables } from './app/variables.ts';
import { CliError, environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { printable, type Terminal } from './terminal.ts';

const states = ['pending', 'delivered', 'parked'] as const;
const onlyOf = { list: ['state', 'limit', 'json'], replay: ['parked'] } as const;

export const webhooksCommand: CommandSpec = {
  name: 'webhooks',
  summary: 'List webhooks, and send them again',
  operands: 'list | replay [ID ...]',
  description: [
    'Shows the outbox of the ledger that WAYBILL_LEDGER names, and marks messages to',
    'be sent again; whichever replica of `waybill serve` comes first sends them.',
  ].join('\n'),
  options: [
    { name: 'state', value: 'STATE', summary: `Only those: ${states.join(', ')}` },
    { name: 'limit', value: 'COUNT', summary: 'How many, the newest first', fallback: '50' },
    { name: 'parked', summary: 'With replay: all that were given up' },
    { name: 'json', summary: 'Print lines of JSON' },
  ],
  examples: [
    ['waybill webhooks list --state parked', 'what nobody took'],
    ['waybill webhooks replay --parked', 'once the receiver is mended'],
    ['waybill webhooks replay msg_4f0c...', 'one message'],
  ],
  exits: [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'a message is not known'],
    [exitCodes.usage, 'the command line is wrong'],
    [exitCodes.environment, 'the ledger does not answer'],
  ],
  async run(input, terminal) {
    const [what, ...ids] = input.operands;
    if (what !== 'list' && what !== 'replay')
      throw new CliError('waybill webhooks does one of two things: list, or replay.', {
        hint: 'waybill webhooks --help',
      });
    const misplaced = onlyOf[what === 'list' ? 'replay' : 'list'].find((name) => input.has(name));
    if (misplaced) throw new CliError(`--${misplaced} is not for waybill webhooks ${what}.`);
    if (what === 'list' && ids.length > 0) throw new CliError('waybill webhooks list takes no IDs.');
    if (what === 'replay' && ids.length === 0 && !input.has('parked'))
      throw new CliError('Which? Name messages, or say --parked.');
    const state = stateOf(input.option('state'));
    const limit = input.option('limit') ?? '50';
    if (!/^([1-9]\d{0,2}|1000)$/.test(limit))
      throw new CliError(`--limit takes a number from 1 to 1000, not "${limit}".`);
    const url = ledgerUrl(readVariables(terminal));
    if (url === null) throw environmentError('WAYBILL_LEDGER is none: there is no outbox.');
    const ledger = await openLedger(url).catch((error) => {
      throw ledgerProblem(error);
    });
    try {
      if (what === 'list') {
        const { webhooks } = await ledger.listWebhooks({ limit: Number(limit), ...(state ? { state } : {}) });
        if (webhooks.length === 0 && !input.has('json')) terminal.err('There is none.');
        for (const webhook of webhooks) terminal.out(input.has('json') ? JSON.stringify(webhook) : line(webhook));
        return exitCodes.done;
      }
      return await replay(ledger, input.has('parked') ? [...ids, ...(await parked(ledger))] : ids, terminal);
    } finally {
      await ledger.close();
    }
  },
};

function stateOf(given: string | undefined): (typeof states)[number] | undefined {
  const state = states.find((one) => one === given);
  if (given !== undefined && !state) throw new CliError(`"${given}" is no state: ${states.join(', ')}.`);
  return state;
}

async function parked(ledger: Ledger): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ledger.listWebhooks({ state: 'parked', limit: 1000, ...(after === undefined ? {} : { after }) });
    ids.push(...page.webhooks.map(({ webhookId }) => webhookId));
    if (page.next === null) return ids;
    after = page.next;
  }
}

async function replay(ledger: Ledger, ids: readonly string[], terminal: Terminal): Promise<number> {
  let done = 0;
  for (const id of ids) {
    if (await ledger.replayWebhook(id)) done += 1;
    else terminal.err(`There is no message ${printable(id)}.`);
  }
  terminal.out(`${done} to be sent again.`);
  return done === ids.length ? exitCodes.done : exitCodes.failed;
}

function line({
  webhookId,
  type,
  createdAt,
  attempts,
  deliveredAt,
  parkedAt,
  nextAt,
  lastError,
}: WebhookRecord): string {
  const state =
    nextAt !== null ? 'pending' : parkedAt !== null ? 'parked' : deliveredAt !== null ? 'delivered' : 'pending';
  const why = lastError === null ? '' : `  ${printable(lastError)}`;
  return `${new Date(createdAt).toISOString()}  ${state.padEnd(9)}  ${type.padEnd(16)}  ${webhookId}  ${attempts} tries${why}`;
}
