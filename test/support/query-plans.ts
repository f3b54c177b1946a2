/** Asks a database for the query plans of the statements that a ledger ran. */
import Libsql from 'libsql';
import mysql from 'mysql2/promise';
import pg from 'pg';

export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

export interface Plan {
  sql: string;
  /** One line for each step, in the database's words. */
  steps: string[];
  /** Tables or indexes that are read completely. */
  scans: string[];
  /** Number of 8 kB pages that were read. Null on the databases that do not report it. */
  pages: number | null;
  /** Number of rows and index entries that were read. Null on the databases that do not report it. */
  rows: number | null;
}

/** Statements that begin or end a transaction have no plan. */
export const hasPlan = ({ sql }: Statement): boolean => /^(select|insert|update|delete|with)\b/i.test(sql);

export function sqlitePlans(file: string, statements: readonly Statement[]): Plan[] {
  const database = new Libsql(file);
  try {
    return statements.map(({ sql, parameters }) => {
      const rows = database.prepare(`explain query plan ${sql}`).all([...parameters]) as { detail: string }[];
      const steps = rows.map(({ detail }) => detail);
      const scans = steps.filter((step) => /^SCAN waybill_/.test(step));
      return { sql, steps, scans, pages: null, rows: null };
    });
  } finally {
    database.close();
  }
}

interface Node {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: Node[];
}

/** Runs each statement except inserts in a transaction that is rolled back. */
export async function postgresPlans(url: string, statements: readonly Statement[]): Promise<Plan[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const plans: Plan[] = [];
  try {
    for (const { sql, parameters } of statements) {
      await client.query('begin');
      // The row exists already, so the insert would fail.
      const format = /^insert/i.test(sql) ? 'format json' : 'analyze, buffers, format json';
      const answer = await client.query(`explain (${format}) ${sql}`, [...parameters]);
      await client.query('rollback');
      const root = answer.rows[0]['QUERY PLAN'][0].Plan as Node;
      const nodes = flatten(root);
      plans.push({
        sql,
        steps: nodes.map((node) =>
          [node['Node Type'], node['Relation Name'], node['Index Name'], node['Index Cond']].filter(Boolean).join(' '),
        ),
        scans: nodes
          .filter(isScan)
          .map((node) => `${node['Node Type']} ${node['Relation Name'] ?? node['Index Name']}`),
        pages: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
        rows: null,
      });
    }
    return plans;
  } finally {
    await client.end();
  }
}

const isScan = (node: Node) => node['Node Type'] === 'Seq Scan';

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

interface ExplainedStep {
  table: string | null;
  /** `ALL` reads the whole table, and `index` a whole index. */
  type: string | null;
  key: string | null;
  Extra: string;
}

/** Runs each statement except inserts in a transaction that is rolled back. */
export async function mysqlPlans(url: string, statements: readonly Statement[]): Promise<Plan[]> {
  const connection = await mysql.createConnection(url);
  connection.on('error', () => {});
  const plans: Plan[] = [];
  try {
    for (const { sql, parameters } of statements) {
      const [answer] = await connection.query(`explain ${sql}`, [...parameters]);
      const steps = answer as ExplainedStep[];
      plans.push({
        sql: sql.replaceAll('`', '"'),
        steps: steps.map(({ table, type, key, Extra }) => [type, table, key, Extra].filter(Boolean).join(' ')),
        scans: steps
          // An insert of values also has the type `ALL`.
          .filter(
            ({ table, type }) =>
              !/^insert/i.test(sql) && table?.startsWith('waybill_') && (type === 'ALL' || type === 'index'),
          )
          .map(({ table, type, key }) => (type === 'ALL' ? `ALL ${table}` : `INDEX ${table} ${key}`)),
        pages: null,
        // The row exists already, so the insert would fail.
        rows: /^insert/i.test(sql) ? null : await countReads(connection, sql, parameters),
      });
    }
    return plans;
  } finally {
    await connection.end();
  }
}

async function countReads(connection: mysql.Connection, sql: string, parameters: readonly unknown[]): Promise<number> {
  await connection.beginTransaction();
  await connection.query('flush status');
  await connection.query(sql, [...parameters]);
  const [rows] = await connection.query("show session status like 'Handler_read%'");
  await connection.rollback();
  return (rows as { Value: string }[]).reduce((sum, { Value }) => sum + Number(Value), 0);
}
