const units = [
  ['d', 24 * 60 * 60 * 1000],
  ['h', 60 * 60 * 1000],
  ['min', 60 * 1000],
] as const;

/** How long ago something was, in its two largest units: `3 h 5 min`. Pure. @param at as ISO 8601 @param now milliseconds since 1970 */
export function ageOf(at: string, now: number): string {
  let left = Math.max(0, now - Date.parse(at));
  const parts: string[] = [];
  for (const [unit, milliseconds] of units) {
    const count = Math.floor(left / milliseconds);
    left -= count * milliseconds;
    if (count > 0 || parts.length > 0) parts.push(`${count} ${unit}`);
  }
  return parts.length === 0 ? 'less than a minute' : parts.slice(0, 2).join(' ');
}
