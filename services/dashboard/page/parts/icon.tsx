import type { JSX } from 'preact';

/** Strokes on a field of 20 by 20. */
const strokes = {
  now: 'M2 10h4l2.5-6 4 12 2.5-6h3',
  approvals:
    'M3 13.5c1.5-4.5 3.4-7.5 5-7.2 1.8.4-2 6.8-.2 7.2 1.6.4 2.8-3.6 4.2-3.2.9.3 0 2.4 1.2 2.7.8.2 1.5-.6 2.3-1.4M3 17h14',
  tasks: 'M8 5h9M8 10h9M8 15h9M3 5h.01M3 10h.01M3 15h.01',
  runs: 'm10 2.5 7.5 4-7.5 4-7.5-4zM2.5 10l7.5 4 7.5-4M2.5 13.5l7.5 4 7.5-4',
  log: 'm3.5 5.5 4 4-4 4M9.5 14.5h7',
  charts: 'M3 17V9M8 17V4M13 17v-6M17.5 17H2',
  services: 'M3 3.5h14v5H3zM3 11.5h14v5H3zM6 6h.01M6 14h.01',
  configuration: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  more: 'M4.5 10h.01M10 10h.01M15.5 10h.01',
  plus: 'M10 4v12M4 10h12',
  search: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M13 13l4 4',
  sun: 'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4',
  moon: 'M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12',
  system: 'M3 4h14v9.5H3zM7 17h6M10 13.5V17',
  chevron: 'm6 8 4 4 4-4',
  out: 'M8 3.5H4v13h4M12 6l4 4-4 4M16 10H8',
  help: 'M7.5 7.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.8-.9 1.7M10 14.5h.01M10 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16',
  close: 'm5 5 10 10M15 5 5 15',
  pause: 'M7 4.5v11M13 4.5v11',
  play: 'm6 4 10 6-10 6z',
  file: 'M5 2.5h6l4 4v11H5zM11 2.5v4h4',
} as const;
export type IconName = keyof typeof strokes;

/** A drawing that says nothing which is not beside it in words. */
export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path
        d={strokes[name]}
        fill="none"
        stroke="currentColor"
        stroke-width={name === 'more' || name === 'tasks' ? 1.9 : 1.6}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
