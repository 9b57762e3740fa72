import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { inertBlock, spelt } from '../parts/foreign.tsx';
import { Scrolls } from '../parts/scrolls.tsx';
import { bytes } from '../text/format.ts';
import { type LogLine, matching, reachesEnd } from './log-window.ts';
import { logWords } from './log-words.ts';
import { useLog } from './use-log.ts';
import { useVirtualRows } from './use-virtual-rows.ts';

const rowPx = 20;
const nearPx = 600;
/** A longer line is cut on the screen. */
const shownCharacters = 4_000;
const furtherReads = 20;

/** A service's log: a window that reads on at both ends while one scrolls, and stays at the end while it follows. */
export function LogView({ service }: { readonly service: string }): JSX.Element {
  const log = useLog(service);
  const [words, setWords] = useState('');
  const [following, setFollowing] = useState(true);
  const [looking, setLooking] = useState(false);
  const scroller = useRef<HTMLElement>(null);
  const shown = useMemo(() => matching(log.window.lines, words), [log.window.lines, words]);
  const rows = useVirtualRows(scroller, shown.length, rowPx);
  const filtered = words.trim() !== '';

  useLayoutEffect(() => {
    if (following) rows.toEnd();
    else if (!filtered && scroller.current !== null) scroller.current.scrollTop += log.window.shifted * rowPx;
  }, [log.window, following, filtered, rows.heightPx]);
  useEffect(() => setFollowing(true), [service]);

  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    const atEnd = below < rowPx && reachesEnd(log.window);
    if (atEnd !== following && !log.loading) setFollowing(atEnd);
    if (element.scrollTop < nearPx) void log.older();
    else if (below < nearPx) void log.newer();
  };
  const lookFurther = async (): Promise<void> => {
    setLooking(true);
    setFollowing(false);
    for (let read = 0; read < furtherReads && (await log.older()); read += 1);
    setLooking(false);
  };
  const jump = (place: number): void => {
    setFollowing(false);
    void log.jump(place).then(() => {
      if (scroller.current !== null) scroller.current.scrollTop = 0;
      // What is before it is read at once, so that one can scroll both ways from there.
      void log.older();
    });
  };
  const first = shown[rows.items.find(({ start }) => start >= (scroller.current?.scrollTop ?? 0))?.index ?? 0];

  return (
    <section class="sheet log-sheet" aria-label={`Log of ${service}`}>
      <div class="log-tools">
        <input
          type="search"
          aria-label="Filter the lines"
          placeholder="Filter"
          value={words}
          maxLength={200}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <button
          type="button"
          class="chip"
          aria-pressed={following}
          onClick={() => {
            if (following) setFollowing(false);
            else void log.jump(null).then(() => setFollowing(true));
          }}
        >
          Follow
        </button>
        <label class="place">
          <span class="hidden-text">Place in the log</span>
          <input
            type="range"
            min={log.window.from}
            max={Math.max(log.window.to, 1)}
            value={following ? log.window.to : (first?.at ?? 0)}
            aria-valuetext={`${bytes(first?.at ?? 0)} of ${bytes(log.window.to)}`}
            onChange={(event) => jump(Number(event.currentTarget.value))}
          />
        </label>
        <span class="soft small nowrap" role="status">
          {filtered
            ? `${shown.length.toLocaleString('en')} of ${log.window.lines.length.toLocaleString('en')} lines here`
            : bytes(log.window.to - log.window.from)}
        </span>
        {filtered && (
          <button type="button" class="plain" disabled={looking} onClick={() => void lookFurther()}>
            {looking ? 'Looking…' : 'Look further back'}
          </button>
        )}
      </div>
      {log.problem !== '' && <p class="verdict failed">{log.problem}</p>}
      <Scrolls class="log-lines" label="Lines" element={scroller} onScroll={onScroll}>
        <div class="log-height" style={{ height: `${rows.totalPx}px` }}>
          {rows.items.map(({ index, start }) => {
            const line = shown[index];
            return (
              line !== undefined && (
                <div key={line.at} class="log-line" style={{ transform: `translateY(${start}px)` }}>
                  {drawn(line)}
                </div>
              )
            );
          })}
        </div>
        {shown.length === 0 && <p class="empty">{log.loading ? 'Loading…' : 'No line is here.'}</p>}
      </Scrolls>
    </section>
  );
}

/** What was drawn once is drawn again as it is: scrolling reads and compares only what is new. */
const lines = new WeakMap<LogLine, JSX.Element>();

function drawn(line: LogLine): JSX.Element {
  const known = lines.get(line);
  if (known !== undefined) return known;
  const made = <Line text={line.text.slice(0, shownCharacters)} />;
  lines.set(line, made);
  return made;
}

function Line({ text }: { readonly text: string }): JSX.Element {
  const { time, level, message, rest } = logWords(text);
  return (
    <>
      {time !== '' && <span class="log-time">{time}</span>}
      {level !== null && <span class={`log-level ${level}`}>{level}</span>}
      <span class="foreign">{spelt(inertBlock(message.replaceAll('\n', ' ⏎ ')))}</span>
      {rest !== '' && <span class="log-rest foreign">{spelt(inertBlock(rest.replaceAll('\n', ' ⏎ ')))}</span>}
    </>
  );
}
