import { invalid } from '../shared/errors.ts';
import type { StandardIssue, StandardSchema } from '../shared/standard-schema.ts';
import { isThenable } from '../shared/thenable.ts';

/** Returns the output of the schema, which the callbacks get. Undefined on a route that takes no metadata. */
export function parseMetadata(schema: StandardSchema | undefined, value: unknown): unknown {
  if (!schema) {
    if (value === undefined || value === null) return undefined;
    throw invalid([{ path: 'metadata', message: 'must be left out: this route takes none' }]);
  }
  const result = schema['~standard'].validate(value);
  return isThenable(result) ? Promise.resolve(result).then(outputOf) : outputOf(result);
}

function outputOf(result: { value?: unknown; issues?: readonly StandardIssue[] | undefined }): unknown {
  if (!result.issues) return result.value;
  throw invalid(result.issues.map((issue) => ({ path: pathOf(issue), message: issue.message.slice(0, 200) })));
}

function pathOf(issue: StandardIssue): string {
  const keys = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return ['metadata', ...keys].join('.').slice(0, 200);
}
