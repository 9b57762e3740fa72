/** What a line of a service's log says, taken apart where it is one of ours: `rest` are its further fields as JSON. */
export type LogWords = {
  readonly time: string;
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | null;
  readonly message: string;
  readonly rest: string;
};

const levels: Readonly<Record<string, LogWords['level']>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const left = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'name', 'service']);

/** Reads a line of pino's JSON; any other line is its own message. Pure. */
export function logWords(line: string): LogWords {
  const plain: LogWords = { time: '', level: null, message: line, rest: '' };
  if (!line.startsWith('{')) return plain;
  try {
    const fields: Record<string, unknown> = JSON.parse(line);
    const { msg, level, time } = fields;
    if (typeof msg !== 'string') return plain;
    const rest = Object.entries(fields).filter(([name]) => !left.has(name));
    const word = typeof level === 'string' ? level : levels[String(level)];
    return {
      time: timeOf(time),
      level: Object.values(levels).find((known) => known === word) ?? null,
      message: msg,
      rest: rest
        .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(' '),
    };
  } catch {
    return plain;
  }
}

/** A line as one reads it. Pure. */
export function shownLine(line: string): string {
  const { time, level, message, rest } = logWords(line);
  return [time, level ?? '', message, rest].filter((part) => part !== '').join(' ');
}

function timeOf(time: unknown): string {
  const at = typeof time === 'number' || typeof time === 'string' ? new Date(time) : null;
  return at === null || Number.isNaN(at.getTime()) ? '' : at.toISOString().slice(11, 23);
}
