/** A failed item of a batch. The HTTP response describes it as `{ error }`. */
export interface Failure {
  failure: unknown;
}

export function isFailure(item: object): item is Failure {
  return 'failure' in item;
}
