import { describe, expect, it } from 'vitest';
import { binaryCollation, isSchemaStatement, translateSchemaStatement } from './mysql-schema.ts';

const translate = (statement: string) => translateSchemaStatement(statement, 'utf8mb4_nopad_bin');

describe('schema statements for MySQL', () => {
  it('text of an index gets a length, other text is long, and the table compares bytes', () => {
    expect(
      translate('create table waybill_x (\n  upload_id text primary key,\n  key text not null, payload text\n)'),
    ).toBe(
      'create table waybill_x ( upload_id varchar(64) primary key, `key` varchar(1024) not null, payload longtext )' +
        ' engine = InnoDB character set utf8mb4 collate utf8mb4_nopad_bin',
    );
    expect(translate('alter table `waybill_x` add column quotas text')).toBe(
      'alter table waybill_x add column quotas longtext',
    );
  });

  it.each([
    ['create index a on t (sweep_at) where sweep_at is not null', 'create index a on t (sweep_at)'],
    ["create index a on t (stored, id) where route = ''", 'create index a on t (route, stored, id)'],
    ["create index `a` on `t` (`id`) where state = 'x' and parts is null", 'create index a on t (state, parts, id)'],
    ["create index a on t (ended_at) where state in ('x', 'y')", 'create index a on t (state, ended_at)'],
    ['create unique index a on t (id, k) where k is not null', 'create unique index a on t (id, k)'],
    ['create index a on t (key)', 'create index a on t (`key`(255))'],
  ])('%s has the columns of its condition first', (statement, expected) => {
    expect(translate(statement)).toBe(expected);
  });

  it('the collation depends on the server', () => {
    expect(binaryCollation('10.11.19-MariaDB-0+deb12u1')).toBe('utf8mb4_nopad_bin');
    expect(binaryCollation('8.4.3')).toBe('utf8mb4_0900_bin');
  });

  it('isSchemaStatement() is false for queries', () => {
    expect(isSchemaStatement('\ncreate table a (b text)')).toBe(true);
    for (const query of ['select 1', 'update a set b = 1', "insert into a values ('create table b')"])
      expect(isSchemaStatement(query)).toBe(false);
  });
});
