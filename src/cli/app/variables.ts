/** The environment variables, in one table from which help and error messages derive. */
import { environmentError } from '../cli-error.ts';
import { wrap } from '../help.ts';
import type { Terminal } from '../terminal.ts';

export interface Variable {
  name: string;
  summary: string;
  fallback?: string;
  required?: boolean;
}

const table = [
  {
    name: 'WAYBILL_SECRET',
    summary: 'seals grants: 32 random characters or more; list several to rotate',
    required: true,
  },
  { name: 'WAYBILL_VIEW_SECRET', summary: 'seals view URLs', fallback: 'WAYBILL_SECRET' },
  { name: 'WAYBILL_S3_BUCKET', summary: 'the bucket for files', required: true },
  { name: 'WAYBILL_S3_REGION', summary: 'its region', fallback: 'AWS_REGION, or us-east-1' },
  { name: 'WAYBILL_S3_ENDPOINT', summary: 'URL of the storage for this server', fallback: 'AWS in the region' },
  {
    name: 'WAYBILL_S3_PUBLIC_ENDPOINT',
    summary: 'URL of the storage for clients; may be a list',
    fallback: 'the endpoint',
  },
  {
    name: 'WAYBILL_S3_PRESET',
    summary: 'its capabilities: aws, r2, minio, ceph16, gcs, b2, devstore',
    fallback: 'aws',
  },
  {
    name: 'AWS_ACCESS_KEY_ID',
    summary: 'with AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN',
    fallback: "AWS's default chain",
  },
  {
    name: 'WAYBILL_LEDGER',
    summary: 'sqlite:FILE, postgres://..., mysql://..., or none',
    fallback: 'sqlite:waybill.db',
  },
  { name: 'WAYBILL_PUBLIC_URL', summary: "origin to put before a file's url" },
  { name: 'WAYBILL_ALLOWED_ORIGINS', summary: 'other origins whose pages may call; may be a list' },
  { name: 'WAYBILL_EVENTS_SECRET', summary: 'secret of a storage that sends events to /events' },
  { name: 'WAYBILL_EVENTS_SQS_URL', summary: 'SQS queue to read storage events from' },
  {
    name: 'WAYBILL_WEBHOOK_URL',
    summary: 'receiver of webhooks about ended uploads and deleted files; needs a ledger',
  },
  { name: 'WAYBILL_WEBHOOK_SECRET', summary: 'signs webhooks: whsec_...; list several to rotate' },
  { name: 'WAYBILL_PROXY_SECRET', summary: 'for JSON routes with `ownerHeader`' },
  { name: 'WAYBILL_OPS_HOSTS', summary: "host names for metrics and the operator's page; may be a list" },
  { name: 'WAYBILL_ADMIN_TOKEN', summary: "password of the operator's page, required where others reach it" },
] as const satisfies readonly Variable[];

export const variables: readonly Variable[] = table;

type Name = (typeof table)[number]['name'];

export interface Variables {
  get(name: Name): string | undefined;
  /** The values of a list, which are separated by spaces. */
  list(name: Name): string[];
  /** @throws CliError when the variable is not set */
  required(name: Name): string;
  /** Reads variables of AWS, which are not in the table. */
  raw(name: string): string | undefined;
}

export function readVariables({ env }: Pick<Terminal, 'env'>): Variables {
  const get = (name: Name) => env(name)?.trim() || undefined;
  return {
    get,
    raw: env,
    list: (name) => get(name)?.split(/\s+/) ?? [],
    required(name) {
      const value = get(name);
      const summary = variables.find((one) => one.name === name)?.summary;
      if (value === undefined)
        throw environmentError(`${name} is not set: ${summary}.`, 'For all variables: waybill serve --help');
      return value;
    },
  };
}

/** Formats the variables for the help of a command, in 80 columns. */
export function variablesHelp(): string {
  const width = Math.max(...table.map(({ name }) => name.length));
  const lines = variables.flatMap(({ name, summary, fallback, required }) => {
    const note = required ? ' (required)' : fallback ? ` (default: ${fallback})` : '';
    return wrap(`${summary}${note}`, 80 - width - 4).map(
      (text, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${text}`,
    );
  });
  return `Environment variables (items of a list are separated by spaces):\n${lines.join('\n')}`;
}
