import { signal } from '@preact/signals';

/** Milliseconds since 1970, to the second; it stands still while nobody looks. */
export const clock = signal(Date.now());

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) clock.value = Date.now();
  }, 1_000);
  document.addEventListener('visibilitychange', () => {
    clock.value = Date.now();
  });
}
