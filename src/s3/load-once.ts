/**
 * Runs `load` with the first call and keeps what it gave. A failure is not kept: the next call tries again, so that a
 * moment without file descriptors does not break a process for good.
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
