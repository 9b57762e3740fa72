import { EnrolError } from './enrol-error.ts';

/** What needs no quotes in an env file, for any reader of one. */
const plain = /^[\w.~+/=@:!-]+$/;

/** Lines of `KEY=value` that read back as they are, under a comment. @throws EnrolError for a value that cannot be quoted */
export function envText(comment: string, values: Readonly<Record<string, string | undefined>>): string {
  const lines = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${quoted(key, value)}`],
  );
  return [`# ${comment}`, ...lines, ''].join('\n');
}

function quoted(key: string, value: string): string {
  if (plain.test(value)) return value;
  // Double quotes come last: between them a reader takes \n for a line break.
  const quote = ["'", '`', '"'].find((candidate) => !value.includes(candidate));
  if (quote === undefined || value.includes('\n') || (quote === '"' && value.includes('\\')))
    throw new EnrolError(`${key} holds every kind of quote: choose another value.`);
  return `${quote}${value}${quote}`;
}
