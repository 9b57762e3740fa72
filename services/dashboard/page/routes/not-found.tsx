import type { JSX } from 'preact';
import { Head } from '../parts/head.tsx';

export function NotFound(): JSX.Element {
  return (
    <>
      <Head title="There is no such page" tab="Not found" />
      <p>
        <a href="/">Now</a> shows what runs and what waits.
      </p>
    </>
  );
}
