import { sqliteLedger } from 'waybill/ledger/sqlite';

export const dynamic = 'force-dynamic';

export async function GET() {
  const ledger = await sqliteLedger({ file: ':memory:' });
  try {
    return Response.json(await ledger.usage('anna'));
  } finally {
    await ledger.close();
  }
}
