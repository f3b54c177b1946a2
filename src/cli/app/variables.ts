/** What a deployment says by its environment: one table, which help and errors derive from. */
import { environmentError } from '../cli-error.ts';
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
    summary: 'seals grants: at least 32 random characters; several rotate, apart by spaces',
    required: true,
  },
  { name: 'WAYBILL_VIEW_SECRET', summary: 'seals view URLs', fallback: 'WAYBILL_SECRET' },
  { name: 'WAYBILL_S3_BUCKET', summary: 'where files go', required: true },
  { name: 'WAYBILL_S3_REGION', summary: 'its region', fallback: 'AWS_REGION, or us-east-1' },
  { name: 'WAYBILL_S3_ENDPOINT', summary: 'where this server reaches the storage', fallback: "AWS's of the region" },
  {
    name: 'WAYBILL_S3_PUBLIC_ENDPOINT',
    summary: 'where clients reach it; several names apart by spaces',
    fallback: 'the endpoint',
  },
  { name: 'WAYBILL_S3_PRESET', summary: 'what it can: aws, r2, minio, ceph16, gcs, b2, devstore', fallback: 'aws' },
  {
    name: 'AWS_ACCESS_KEY_ID',
    summary: 'with AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN',
    fallback: "AWS's default chain",
  },
  { name: 'WAYBILL_LEDGER', summary: 'sqlite:FILE, postgres://..., or none', fallback: 'sqlite:waybill.db' },
  { name: 'WAYBILL_PUBLIC_URL', summary: "put before a file's url" },
  { name: 'WAYBILL_ALLOWED_ORIGINS', summary: 'other origins whose pages may call, apart by spaces' },
  { name: 'WAYBILL_EVENTS_SECRET', summary: 'what a storage that sends events to /events must know' },
  { name: 'WAYBILL_EVENTS_SQS_URL', summary: 'a queue of SQS in which events wait' },
  { name: 'WAYBILL_WEBHOOK_URL', summary: 'who is told of uploads that ended; needs a ledger' },
  { name: 'WAYBILL_WEBHOOK_SECRET', summary: 'signs what it is told: whsec_...; several rotate, apart by spaces' },
  { name: 'WAYBILL_PROXY_SECRET', summary: 'for JSON routes whose owner a proxy tells' },
  { name: 'WAYBILL_OPS_HOSTS', summary: 'names by which Prometheus and operators call it, apart by spaces' },
  { name: 'WAYBILL_ADMIN_TOKEN', summary: "opens the operator's page where others can reach it" },
] as const satisfies readonly Variable[];

export const variables: readonly Variable[] = table;

type Name = (typeof table)[number]['name'];

export interface Variables {
  get(name: Name): string | undefined;
  /** Apart by spaces. */
  list(name: Name): string[];
  /** @throws CliError naming it */
  required(name: Name): string;
  /** AWS's own names, which are not in the table. */
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
      const about = variables.find((one) => one.name === name)?.summary;
      if (value === undefined)
        throw environmentError(`${name} is not set: ${about}.`, 'waybill serve --help lists all variables.');
      return value;
    },
  };
}

/** For the help of a command, in 80 columns. */
export function variablesHelp(): string {
  const width = Math.max(...table.map(({ name }) => name.length));
  const lines = variables.flatMap(({ name, summary, fallback, required }) => {
    const note = required ? ' (required)' : fallback ? ` (default: ${fallback})` : '';
    return broken(`${summary}${note}`, 80 - width - 4).map(
      (text, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${text}`,
    );
  });
  return `The environment says the rest:\n${lines.join('\n')}`;
}

function broken(text: string, columns: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= columns) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
