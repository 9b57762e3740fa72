const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A duration in milliseconds, in its two largest units: `850 ms`, `42 s`, `3 m 05 s`, `2 h 10 m`, `4 d 03 h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, ms);
  if (whole < second) return `${Math.round(whole)} ms`;
  if (whole < minute) return `${Math.floor(whole / second)} s`;
  if (whole < hour) return `${Math.floor(whole / minute)} m ${two((whole % minute) / second)} s`;
  if (whole < day) return `${Math.floor(whole / hour)} h ${two((whole % hour) / minute)} m`;
  return `${Math.floor(whole / day)} d ${two((whole % day) / hour)} h`;
}

/** The same without what nobody minds of something that still goes on: seconds below ten minutes, minutes below a day. */
export function elapsed(ms: number): string {
  if (ms < second) return '0 s';
  if (ms < 10 * minute) return duration(ms);
  if (ms < hour) return `${Math.floor(ms / minute)} m`;
  return duration(ms);
}

/** How long ago something was, in its largest unit: `now`, `42 s ago`, `3 m ago`, `in 5 m` of what is to come. */
export function ago(timestamp: string, nowMs: number): string {
  const ms = nowMs - Date.parse(timestamp);
  const size = Math.abs(ms);
  if (size < 5 * second) return 'now';
  const [unit, name] =
    size < minute ? [second, 's'] : size < hour ? [minute, 'm'] : size < 2 * day ? [hour, 'h'] : [day, 'd'];
  const words = `${Math.floor(size / unit)} ${name}`;
  return ms >= 0 ? `${words} ago` : `in ${words}`;
}

/** `812 B`, `3.4 kB`, `12 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = count;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(2)} ${units[unit]}`;
}

/** `940`, `12.4 k`, `1.2 M`. */
export function amount(count: number): string {
  if (count < 1_000) return String(count);
  const [size, name] = count < 1_000_000 ? [1_000, 'k'] : [1_000_000, 'M'];
  const value = count / size;
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${name}`;
}

/** In the time of the person's own clock: `14:03:22`, with the day where it is another one. */
export function clockTime(timestamp: string, nowMs: number): string {
  const at = new Date(timestamp);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date(nowMs).toDateString()
    ? time
    : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** `1 file`, `3 files`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}
