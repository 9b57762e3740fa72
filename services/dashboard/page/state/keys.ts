import { signal } from '@preact/signals';

const key = 'keys';

/** Whether single keys do something outside of fields, as the person chose on this device. */
export const keysWork = signal(stored());

export function setKeysWork(work: boolean): void {
  keysWork.value = work;
  try {
    localStorage.setItem(key, work ? 'on' : 'off');
  } catch {
    // In a browser that keeps nothing they work again next time.
  }
}

function stored(): boolean {
  try {
    return localStorage.getItem(key) !== 'off';
  } catch {
    return true;
  }
}
