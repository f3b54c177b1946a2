/** Runs `work` for every item, at most `limit` at the same time. Results are in the order of the items. */
export async function mapLimited<In, Out>(
  items: readonly In[],
  limit: number,
  work: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = new Array(items.length);
  let next = 0;
  async function runNext(): Promise<void> {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as In);
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runNext));
  return results;
}
