/**
 * Waits for so many milliseconds, or until one of the signals is aborted. It then listens to none of them any more: they may live as
 * long as the listener does.
 */
export function pause(milliseconds: number, ...ends: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (ends.some(({ aborted }) => aborted)) return resolve();
    const end = () => {
      clearTimeout(timer);
      for (const signal of ends) signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    for (const signal of ends) signal.addEventListener('abort', end);
  });
}
