/** `waybill webhooks`: lists the webhooks in the outbox, and sends them again. */
import { openLedger } from '../ledger/index.ts';
import type { Ledger, WebhookRecord } from '../server/index.ts';
import { readLedgerUrl, toLedgerError } from './app/open-app.ts';
import { readVariables } from './app/variables.ts';
import { CliError, environmentError, exitCodes } from './cli-error.ts';
import type { CommandSpec } from './command.ts';
import { printable, type Terminal } from './terminal.ts';
import { getWebhookState, type WebhookState, webhookStates } from './webhook-state.ts';

const optionsOf = { list: ['state', 'limit', 'json'], replay: ['parked'] } as const;

export const webhooksCommand: CommandSpec = {
  name: 'webhooks',
  summary: 'List webhooks, or send them again',
  operands: 'list | replay [ID ...]',
  description: [
    'Lists the outbox of the ledger that WAYBILL_LEDGER names, or marks messages to',
    'be sent again. A replica of `waybill serve` then sends them.',
  ].join('\n'),
  options: [
    { name: 'state', value: 'STATE', summary: `Only messages in this state: ${webhookStates.join(', ')}` },
    { name: 'limit', value: 'COUNT', summary: 'How many messages, the newest first', fallback: '50' },
    { name: 'parked', summary: 'With replay: all parked messages' },
    { name: 'json', summary: 'Print one JSON object for each message' },
  ],
  examples: [
    ['waybill webhooks list --state parked', 'lists the messages that could not be delivered'],
    ['waybill webhooks replay --parked', 'sends them again, after the receiver was repaired'],
    ['waybill webhooks replay msg_4f0c...', 'sends one message again'],
  ],
  exits: [
    [exitCodes.done, 'done'],
    [exitCodes.failed, 'there is no message with one of the IDs'],
    [exitCodes.usage, 'the command line is wrong'],
    [exitCodes.environment, 'the ledger does not answer'],
  ],
  async run(input, terminal) {
    const [subcommand, ...ids] = input.operands;
    if (subcommand !== 'list' && subcommand !== 'replay')
      throw new CliError('waybill webhooks needs "list" or "replay".', {
        hint: 'For help: waybill webhooks --help',
      });
    const misplaced = optionsOf[subcommand === 'list' ? 'replay' : 'list'].find((name) => input.has(name));
    if (misplaced) throw new CliError(`--${misplaced} cannot be used with waybill webhooks ${subcommand}.`);
    if (subcommand === 'list' && ids.length > 0) throw new CliError('waybill webhooks list takes no IDs.');
    if (subcommand === 'replay' && ids.length === 0 && !input.has('parked'))
      throw new CliError('Which messages? Give their IDs, or use --parked for all parked ones.');
    const state = parseState(input.option('state'));
    const limit = input.option('limit') ?? '50';
    if (!/^([1-9]\d{0,2}|1000)$/.test(limit))
      throw new CliError(`--limit must be a number from 1 to 1000, not "${limit}".`);
    const url = readLedgerUrl(readVariables(terminal));
    if (url === null) throw environmentError('WAYBILL_LEDGER is "none", so there is no outbox.');
    const ledger = await openLedger(url).catch((error) => {
      throw toLedgerError(error);
    });
    try {
      if (subcommand === 'list') {
        const { webhooks } = await ledger.listWebhooks({ limit: Number(limit), ...(state ? { state } : {}) });
        if (webhooks.length === 0 && !input.has('json')) terminal.err('There are no messages.');
        for (const webhook of webhooks)
          terminal.out(input.has('json') ? JSON.stringify(webhook) : formatWebhook(webhook));
        return exitCodes.done;
      }
      return await replay(ledger, input.has('parked') ? [...ids, ...(await listParkedIds(ledger))] : ids, terminal);
    } finally {
      await ledger.close();
    }
  },
};

function parseState(given: string | undefined): WebhookState | undefined {
  const state = webhookStates.find((one) => one === given);
  if (given !== undefined && !state)
    throw new CliError(`"${given}" is not a state. States: ${webhookStates.join(', ')}.`);
  return state;
}

async function listParkedIds(ledger: Ledger): Promise<string[]> {
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
  terminal.out(`${done} will be sent again.`);
  return done === ids.length ? exitCodes.done : exitCodes.failed;
}

function formatWebhook(webhook: WebhookRecord): string {
  const { webhookId, type, createdAt, attempts, lastError } = webhook;
  const columns = [
    new Date(createdAt).toISOString(),
    getWebhookState(webhook).padEnd(9),
    type.padEnd(16),
    webhookId,
    `${attempts} tries`,
    ...(lastError === null ? [] : [printable(lastError)]),
  ];
  return columns.join('  ');
}
