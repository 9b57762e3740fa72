import { codeParameters } from '@countersign/contracts/one-time-code.ts';
import encodeQR from 'qr';
import type { MadeSeed } from './make-seed.ts';

/** What is shown once, and never again. @param picture whether a terminal shows it, which can draw */
export function codeText({ replaced, seed, uri }: MadeSeed & { made: true }, picture: boolean): string {
  const { algorithm, digits, period, issuer, label } = codeParameters;
  return [
    ...(replaced ? ['The codes of the seed that was there count no more; remove it from your authenticator.', ''] : []),
    ...(picture ? ['Scan this with an authenticator application:', '', drawing(uri), ''] : []),
    `Or type it in: ${seed.replace(/.{4}(?=.)/g, '$& ')}`,
    `(${issuer}, ${label}; time-based, ${algorithm}, ${digits} digits, ${period} seconds)`,
    '',
    'It is shown this once. Whoever has it can make the codes that let the dashboard approve and merge prod.',
    '',
  ].join('\n');
}

/** Two rows of modules a line, in black on white whatever the terminal's colours are: a scanner needs them so. */
function drawing(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 });
  const lines: string[] = [];
  for (let top = 0; top < rows.length; top += 2) {
    const cells = (rows[top] ?? []).map((upper, column) => blocks[`${upper}${rows[top + 1]?.[column] ?? false}`]);
    lines.push(`\u001b[30;107m${cells.join('')}\u001b[0m`);
  }
  return lines.join('\n');
}

const blocks: Readonly<Record<string, string>> = { truetrue: '█', truefalse: '▀', falsetrue: '▄', falsefalse: ' ' };
