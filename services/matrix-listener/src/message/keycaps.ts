/** The signs by which a person answers with an option's number, from the first on. */
export const keycaps: readonly string[] = [
  ...Array.from({ length: 9 }, (_, index) => `${index + 1}\u{fe0f}\u{20e3}`),
  '\u{1f51f}',
];

/** Which option a reaction means, counted from 0; null where it means none. A client may leave the selector of colour out. Pure. */
export function optionOf(key: string): number | null {
  const bare = key.replaceAll('\u{fe0f}', '');
  const index = keycaps.findIndex((keycap) => keycap.replaceAll('\u{fe0f}', '') === bare);
  return index < 0 ? null : index;
}
