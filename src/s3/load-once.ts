/**
 * Runs `load` on the first call and keeps its result. A failure is not kept: the next call tries again, so that a
 * temporary lack of file descriptors does not break the process permanently.
 */
export function loadOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
