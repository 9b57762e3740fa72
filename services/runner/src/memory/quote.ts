import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';

/** A text of somebody else's, inert, with a mark before each line: none of them can look like a heading or a fact of ours. */
export function quote(text: string): string[] {
  return inertLines(text.trim()).map((line) => `> ${line}`.trimEnd());
}

/** A text of somebody else's on one line, of at most so many bytes of UTF-8. */
export function clipLine(text: string, maximumBytes: number): string {
  const line = inertLine(text);
  if (Buffer.byteLength(line) <= maximumBytes) return line;
  const kept = Buffer.from(line).subarray(0, maximumBytes - 6);
  // A character that was cut in two shows as the mark of a broken one.
  return `${kept.toString('utf8').replace(/\ufffd+$/, '')} [...]`;
}

/** The first lines of a text that fit into so many bytes, each with its line feed. */
export function firstLines(lines: readonly string[], maximumBytes: number): readonly string[] {
  let bytes = 0;
  const end = lines.findIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > maximumBytes;
  });
  return end < 0 ? lines : lines.slice(0, end);
}

/** A size for people. */
export function sizeOf(bytes: number): string {
  return bytes < 1_000 ? `${bytes} bytes` : `${Math.ceil(bytes / 1_000)} kB`;
}
