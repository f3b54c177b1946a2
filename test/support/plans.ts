/** What a database says about how it goes about the statements that a ledger really ran. */
import Libsql from 'libsql';
import pg from 'pg';

export interface Statement {
  sql: string;
  parameters: readonly unknown[];
}

export interface Plan {
  sql: string;
  /** Of the database's own words, one line for each step. */
  steps: string[];
  /** Tables that it reads from end to end, or an index of which every entry is read. */
  scans: string[];
  /** Pages of 8 kB that it touched; SQLite does not tell. */
  pages: number | null;
}

/** Statements that only begin and end transactions have no plan. */
export const hasPlan = ({ sql }: Statement): boolean => /^(select|insert|update|delete|with)\b/i.test(sql);

export function sqlitePlans(file: string, statements: readonly Statement[]): Plan[] {
  const database = new Libsql(file);
  try {
    return statements.map(({ sql, parameters }) => {
      const rows = database.prepare(`explain query plan ${sql}`).all([...parameters]) as { detail: string }[];
      const steps = rows.map(({ detail }) => detail);
      const scans = steps.filter((step) => /^SCAN waybill_/.test(step));
      return { sql, steps, scans, pages: null };
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

/** Each but an insert is run, and undone. */
export async function postgresPlans(url: string, statements: readonly Statement[]): Promise<Plan[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const plans: Plan[] = [];
  try {
    for (const { sql, parameters } of statements) {
      await client.query('begin');
      // What was inserted is there, and cannot be inserted again.
      const how = /^insert/i.test(sql) ? 'format json' : 'analyze, buffers, format json';
      const answer = await client.query(`explain (${how}) ${sql}`, [...parameters]);
      await client.query('rollback');
      const root = answer.rows[0]['QUERY PLAN'][0].Plan as Node;
      const nodes = flat(root);
      plans.push({
        sql,
        steps: nodes.map((node) =>
          [node['Node Type'], node['Relation Name'], node['Index Name'], node['Index Cond']].filter(Boolean).join(' '),
        ),
        scans: nodes
          .filter(isScan)
          .map((node) => `${node['Node Type']} ${node['Relation Name'] ?? node['Index Name']}`),
        pages: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
      });
    }
    return plans;
  } finally {
    await client.end();
  }
}

const isScan = (node: Node) => node['Node Type'] === 'Seq Scan';

function flat(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}
