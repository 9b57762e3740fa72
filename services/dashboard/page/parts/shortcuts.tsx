import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { keysWork } from '../state/keys.ts';
import { Sheet } from './sheet.tsx';

const places: Readonly<Record<string, readonly [string, string]>> = {
  n: ['/', 'Now'],
  a: ['/approvals', 'Approvals'],
  t: ['/tasks', 'Tasks'],
  r: ['/runs', 'Runs'],
  l: ['/log', 'Log'],
  c: ['/charts', 'Charts'],
  s: ['/services', 'Services'],
};
const others = [
  ['j / k', 'Next and previous task'],
  ['/', 'Search'],
  ['c', 'New task'],
  ['?', 'This list'],
] as const;
const secondKeyMs = 1_200;

/** Keys that work outside of fields and dialogs, unless the person turned them off. */
export function Shortcuts(): JSX.Element | null {
  const { route } = useLocation();
  const [listed, setListed] = useState(false);
  useEffect(() => {
    let going = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (!keysWork.value) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const afterG = event.timeStamp - going < secondKeyMs;
      going = 0;
      const place = afterG ? places[event.key] : undefined;
      if (place !== undefined) route(place[0]);
      else if (event.key === 'g') going = event.timeStamp;
      else if (event.key === '/') document.getElementById('search')?.focus();
      else if (event.key === '?') setListed(true);
      else if (event.key === 'c') route('/new');
      else if (event.key === 'j') move(1);
      else if (event.key === 'k') move(-1);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [route]);
  if (!listed) return null;
  return (
    <Sheet title="Keys" onClose={() => setListed(false)}>
      <dl class="facts keys">
        {Object.entries(places).map(([key, [, name]]) => (
          <Key key={key} keys={`g ${key}`} words={name} />
        ))}
        {others.map(([keys, words]) => (
          <Key key={keys} keys={keys} words={words} />
        ))}
      </dl>
      <p class="soft small">
        Who types by voice, or needs these keys otherwise, turns them off:{' '}
        <a href="/more" onClick={() => setListed(false)}>
          More
        </a>
      </p>
    </Sheet>
  );
}

function Key({ keys, words }: { readonly keys: string; readonly words: string }): JSX.Element {
  return (
    <>
      <dt>{keys.split(' ').map((key) => (key === '/' && keys.length > 1 ? ' ' : <kbd key={key}>{key}</kbd>))}</dt>
      <dd>{words}</dd>
    </>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog, [contenteditable]') !== null;
}

/** From one task's link to the next one on the page. */
function move(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('main a.title')];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = at === -1 ? (by === 1 ? links[0] : links.at(-1)) : links[at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
