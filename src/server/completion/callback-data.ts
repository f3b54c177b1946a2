/**
 * Converts a callback's result to plain JSON data. A BigInt becomes its decimal digits in a string, because database
 * ids often are BigInts and JSON has none. A result that JSON cannot hold (a cycle, a `toJSON` that throws) becomes
 * null with `problem`, and never an error: the callback has done its work, and running it again would do the work
 * twice.
 */
export function toJsonData(result: unknown): { data: unknown; problem: unknown } {
  try {
    const text = JSON.stringify(result ?? null, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    return { data: JSON.parse(text ?? 'null'), problem: undefined };
  } catch (problem) {
    return { data: null, problem: problem ?? 'an unknown error' };
  }
}
