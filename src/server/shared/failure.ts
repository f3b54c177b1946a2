/** Becomes an item `{error}` at the edge, where its words are chosen. */
export interface Failure {
  failure: unknown;
}

export function isFailure(item: object): item is Failure {
  return 'failure' in item;
}
