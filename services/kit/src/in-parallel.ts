/**
 * Does the work for every item, for so many of them at a time, and returns what came of each, in the items' order. The first
 * failure is thrown when what was begun has ended; nothing more is begun then.
 */
export async function inParallel<Item, Outcome>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const failures: unknown[] = [];
  const queue = [...items].entries();
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return;
      try {
        outcomes[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
  return outcomes;
}

/** What all of them come to. As `Promise.all`, but the first failure is thrown when all have ended: nothing goes on behind it. */
export async function allEnded<Outcomes extends readonly unknown[]>(
  promises: readonly [...{ [Index in keyof Outcomes]: Promise<Outcomes[Index]> }],
): Promise<Outcomes> {
  await Promise.allSettled(promises);
  return (await Promise.all(promises)) as unknown as Outcomes;
}
