/**
 * Replaces what MySQL does not support in the queries of this module. `on conflict` becomes `on duplicate key update`.
 * `returning`, which MySQL lacks and MariaDB has only in part, becomes several statements, which the caller runs in a
 * transaction.
 */
import {
  ColumnNode,
  type DeleteQueryNode,
  FromNode,
  type InsertQueryNode,
  MysqlQueryCompiler,
  type OnConflictNode,
  type ReferenceNode,
  type ReturningNode,
  type RootOperationNode,
  SelectionNode,
  SelectModifierNode,
  type SelectQueryNode,
  sql,
  TableNode,
  type UpdateQueryNode,
  type ValuesNode,
  WhereNode,
} from 'kysely';
import type { Tables } from './schema.ts';

export class LedgerQueryCompiler extends MysqlQueryCompiler {
  protected override visitReturning(): void {
    // `runReturning` reads the rows in another statement.
  }

  protected override visitOnConflict(node: OnConflictNode): void {
    if (node.updateWhere) throw new Error('MySQL has no condition in `on duplicate key update`.');
    this.append('on duplicate key update ');
    if (node.updates) this.compileList(node.updates);
    else {
      const column = node.columns?.[0] as ColumnNode;
      this.visitNode(column);
      this.append(' = ');
      this.visitNode(column);
    }
  }

  /** `excluded` is the row that could not be inserted. MariaDB supports it only as `values()`. */
  protected override visitReference(node: ReferenceNode): void {
    if (node.table?.table.identifier.name === 'excluded') {
      this.append('values(');
      this.visitNode(node.column);
      this.append(')');
    } else super.visitReference(node);
  }
}

type ReturningQuery = (UpdateQueryNode | DeleteQueryNode | InsertQueryNode) & { readonly returning: ReturningNode };

export function hasReturning(node: RootOperationNode): node is ReturningQuery {
  return 'returning' in node && node.returning !== undefined;
}

const primaryKeys: Readonly<Record<keyof Tables, readonly string[]>> = {
  waybill_uploads: ['upload_id'],
  waybill_usage: ['owner_id', 'route'],
  waybill_webhooks: ['webhook_id'],
  waybill_audit: ['entry_id'],
  waybill_locks: ['name'],
  waybill_sweeps: ['started_at'],
  waybill_migrations: ['version'],
};

type Row = Record<string, unknown>;
type RunNode = (node: SelectQueryNode | UpdateQueryNode | DeleteQueryNode | InsertQueryNode) => Promise<Row[]>;

/**
 * Runs a query with `returning`. The first statement locks the rows, so that the last one reads them as this query has
 * left them.
 *
 * @param run runs one statement in a transaction and returns its rows
 */
export async function runReturning(node: ReturningQuery, run: RunNode): Promise<Row[]> {
  const table = tableOf(node);
  const keys = primaryKeyOf(table);
  const read = (where: WhereNode) => run(select(table, node.returning.selections ?? [], where));
  if (node.kind === 'InsertQueryNode') {
    await run(node);
    return read(whereKeys(keys, insertedRows(node)));
  }
  const found = await run(select(table, keys.map(keySelection), node.where, 'ForUpdate'));
  if (found.length === 0) return [];
  const where = whereKeys(keys, found);
  if (node.kind === 'UpdateQueryNode') {
    await run({ ...node, where });
    return read(where);
  }
  const rows = await read(where);
  await run({ ...node, where });
  return rows;
}

function tableOf(node: ReturningQuery): TableNode {
  const table =
    node.kind === 'InsertQueryNode'
      ? node.into
      : node.kind === 'UpdateQueryNode'
        ? node.table
        : node.from.froms.length === 1
          ? node.from.froms[0]
          : undefined;
  if (table && TableNode.is(table)) return table;
  throw new Error('A query with `returning` must change exactly one table.');
}

function primaryKeyOf({ table }: TableNode): readonly string[] {
  const keys = (primaryKeys as Readonly<Record<string, readonly string[] | undefined>>)[table.identifier.name];
  if (!keys) throw new Error(`The primary key of ${table.identifier.name} is not known.`);
  return keys;
}

const keySelection = (key: string) => SelectionNode.create(ColumnNode.create(key));

function select(
  table: TableNode,
  selections: readonly SelectionNode[],
  where: WhereNode | undefined,
  lock?: 'ForUpdate',
): SelectQueryNode {
  return {
    kind: 'SelectQueryNode',
    from: FromNode.create([table]),
    selections,
    ...(where ? { where } : {}),
    ...(lock ? { endModifiers: [SelectModifierNode.create(lock)] } : {}),
  };
}

function whereKeys(keys: readonly string[], rows: readonly Row[]): WhereNode {
  const isRow = (row: Row) =>
    sql`(${sql.join(
      keys.map((key) => sql`${sql.ref(key)} = ${row[key]}`),
      sql` and `,
    )})`;
  return WhereNode.create(sql`(${sql.join(rows.map(isRow), sql` or `)})`.toOperationNode());
}

/** The values of an insert by the names of their columns. A value may be an expression, but a primary key never is. */
function insertedRows({ columns = [], values }: InsertQueryNode): Row[] {
  if (values?.kind !== 'ValuesNode') throw new Error('An insert with `returning` must have values.');
  return (values as ValuesNode).values.map((list) =>
    Object.fromEntries(
      columns.map(({ column }, index) => {
        const value: unknown = list.values[index];
        return [column.name, list.kind === 'ValueListNode' ? (value as { value?: unknown }).value : value];
      }),
    ),
  );
}
