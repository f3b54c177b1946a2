/**
 * Translates the statements of migrations.ts for MySQL and MariaDB, which need a length for each text in an index, have
 * no partial indexes, and compare text without regard to case and trailing spaces unless the collation says otherwise.
 */

/**
 * Columns that are part of an index, with the longest text that the server writes to them. An index has at most 3,072
 * bytes, with four for each character: https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
 */
const indexedColumns: Readonly<Record<string, string>> = {
  upload_id: 'varchar(64)',
  webhook_id: 'varchar(128)',
  owner_id: 'varchar(128)',
  route: 'varchar(128)',
  key: 'varchar(1024)',
  state: 'varchar(16)',
  checksum_algorithm: 'varchar(16)',
  checksum: 'varchar(128)',
  idempotency_key: 'varchar(64)',
  name: 'varchar(128)',
};

/** A key has up to 1,024 characters, so an index contains only its first 255. */
const keyPrefix = '`key`(255)';

export const isSchemaStatement = (statement: string): boolean => /^\s*(create|alter|drop) /i.test(statement);

/** @param collation compares text byte by byte, see {@link binaryCollation} */
export function translateSchemaStatement(statement: string, collation: string): string {
  // Kysely's builder quotes names, and the statements of migrations.ts do not.
  const plain = statement.replaceAll('`', '').replace(/\s+/g, ' ').trim();
  const index = /^create (unique )?index (\w+) on (\w+) \(([^)]*)\)(?: where (.+))?$/.exec(plain);
  if (index) {
    const [, unique = '', name, table, columns = '', condition = ''] = index;
    return `create ${unique}index ${name} on ${table} (${indexColumns(columns, condition).join(', ')})`;
  }
  const typed = plain
    .replace(/\b(\w+) text\b/g, (_, column: string) => `${column} ${indexedColumns[column] ?? 'longtext'}`)
    .replace(/\bkey (?=varchar)/, '`key` ');
  return /^create table /.test(plain) ? `${typed} engine = InnoDB character set utf8mb4 collate ${collation}` : typed;
}

/** Without partial indexes, the columns of the condition come first: the rows that satisfy it are then one range. */
function indexColumns(columns: string, condition: string): string[] {
  const own = columns.split(',').map((column) => column.trim());
  const conditional =
    condition === '' ? [] : condition.split(' and ').map((term) => term.trim().split(' ')[0] as string);
  return [...conditional.filter((column) => !own.includes(column)), ...own].map((column) =>
    column === 'key' ? keyPrefix : column,
  );
}

/**
 * A collation that compares bytes and does not ignore trailing spaces, which `utf8mb4_bin` ignores in both databases.
 * `utf8mb4_0900_bin` exists since MySQL 8.0.17. https://mariadb.com/kb/en/supported-character-sets-and-collations/
 */
export const binaryCollation = (serverVersion: string): string =>
  /mariadb/i.test(serverVersion) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
