import { appendFileSync, linkSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, makeHome, openContext } from '../testing/home.ts';
import { generator, randomRounds } from '../testing/random.ts';
import { states } from '../testing/record.ts';
import { Intake } from './intake.ts';
import { FileObserver } from './observe.ts';

const good = 'workspace: project\nstage: dev\n\nsay hello\n';

async function begin() {
  const home = makeHome();
  const context = await openContext(home);
  let now = 1_000_000;
  const intake = new Intake(context, new FileObserver(2_000, () => now));
  const path = (name: string) => join(home.layout.queue('inbox'), name);
  /** As `mv` from another folder does: its bytes are older than its coming. */
  const moveIn = (name: string, text: string) => {
    const aside = join(home.home, 'aside');
    writeFileSync(aside, text);
    utimesSync(aside, 1_000, 1_000);
    renameSync(aside, path(name));
  };
  const pass = (ms: number) => {
    now += ms;
  };
  /** Until nothing moves any more. */
  const settle = async () => {
    for (let count = 0; count < 3; count += 1) {
      while (await intake.scan()) pass(1_000);
      pass(1_000);
    }
  };
  return { layout: home.layout, context, intake, path, moveIn, pass, settle };
}

test('F30 of a file that grows by one byte a second nothing is taken before it is whole, in 1,000 looks', async () => {
  const { context, layout, intake, path, pass, settle } = await begin();
  const whole = `workspace: project\n\n${'say hello '.repeat(100)}`.slice(0, 1_000);
  writeFileSync(path('x.md'), '');
  for (const byte of whole) {
    appendFileSync(path('x.md'), byte);
    await intake.scan();
    pass(1_000);
  }
  expect([...context.tasks.all()]).toEqual([]);
  expect(filesIn(layout, 'outbox/invalid')).toEqual([]);
  await settle();
  const [record] = [...context.tasks.all()];
  expect(readFileSync(join(layout.task(record?.run ?? '', record?.id ?? ''), 'task.md'), 'utf8')).toBe(whole);
}, 60_000);

test('F31 what a producer that died half-way left is refused with its reason, and kept', async () => {
  const { context, layout, path, settle } = await begin();
  writeFileSync(path('x.md'), 'workspace: proj');
  await settle();
  expect([...context.tasks.all()]).toEqual([]);
  const invalid = layout.queue('outbox/invalid');
  expect(readFileSync(join(invalid, 'x.md'), 'utf8')).toBe('workspace: proj');
  expect(readFileSync(join(invalid, 'x.md.error.txt'), 'utf8')).toContain('unknown workspace "proj"');
});

test('F34 an atomic save over a file that waits is no second task', async () => {
  const { context, moveIn, settle } = await begin();
  moveIn('x.md', good);
  await settle();
  moveIn('x.md', good.replace('hello', 'goodbye'));
  await settle();
  expect([...context.tasks.all()]).toHaveLength(1);
});

const { rounds, firstSeed } = randomRounds(200, 1_000);

test(`F35 with events that come twice, late, in another order or not at all, ${rounds} times from seed ${firstSeed}, the same files become tasks`, async () => {
  const { context, layout, intake, moveIn, pass, settle, path } = await begin();
  const seeds = Array.from({ length: rounds }, (_none, index) => firstSeed + index);
  const filesOfEach = 3;
  for (const mode of ['watched', 'polled']) {
    for (const seed of seeds) {
      const random = generator(seed);
      for (let count = 0; count < filesOfEach; count += 1) {
        const name = `${mode}-${seed}-${count}.md`;
        const text = random() < 0.3 ? 'stage: dev\n' : `workspace: project\n\nsay ${count}\n`;
        if (random() < 0.3) writeFileSync(path(name), text);
        else moveIn(name, text);
        const event = random();
        if (mode === 'watched' && event < 0.3) await intake.scan();
        if (mode === 'watched' && event < 0.1) await intake.scan();
        if (random() < 0.3) pass(1_000);
      }
    }
    await settle();
  }
  const accepted = new Set([...context.tasks.all()].map(({ file }) => file));
  const refused = new Set(filesIn(layout, 'outbox/invalid').filter((name) => !name.endsWith('.error.txt')));
  expect(accepted.size + refused.size).toBe(2 * rounds * filesOfEach);
  const namesOf = (mode: string, all: ReadonlySet<string>) =>
    [...all].flatMap((name) => (name.startsWith(mode) ? [name.slice(mode.length)] : [])).sort();
  expect(namesOf('watched', accepted)).toEqual(namesOf('polled', accepted));
  expect(namesOf('watched', refused)).toEqual(namesOf('polled', refused));
}, 600_000);

const stems = [
  ...[
    'caf\u00e9',
    'cafe\u0301',
    'x',
    'X',
    'CON',
    'nul',
    'aux',
    'a b',
    ' a',
    'a ',
    'a.',
    'a..b',
    '~a'.slice(1),
    '-rf',
    '--',
    '-',
  ],
  ...[
    'a\nb',
    'a\tb',
    'a"b',
    "a'b",
    'a`b`',
    '$(id)',
    '$HOME',
    'a;b',
    'a|b',
    'a&b',
    'a>b',
    'a*b',
    'a?b',
    'a[b]',
    'a{b}',
    'a\\b',
    'a:b',
    'a%b',
  ],
  ...[
    'a%00b',
    'a%2fb',
    '🙂',
    '👩‍👩‍👧',
    '漢字',
    'שלום',
    '\u202Eabc',
    'a\u200Bb',
    '\uFEFFa',
    'ﬁ',
    'ſ',
    'İ',
    'ß',
    'ẞ',
    'Å',
    '\u212B',
  ],
  ...[
    'task.json',
    'run.yaml',
    'a.md',
    'a.error.txt',
    'null',
    'true',
    '1e3',
    '0x10',
    '1',
    '00',
    'constructor',
    '__proto__',
    'toString',
  ],
  ...['n'.repeat(252), '🙂'.repeat(63), 'é'.repeat(126), '漢'.repeat(84)],
  ...Array.from({ length: 40 }, (_none, index) => `${String.fromCodePoint(0x1f600 + index)}-${index}`),
];

test('F36 a hundred names go through every folder as they are', async () => {
  const { context, layout, moveIn, settle } = await begin();
  const names = [...new Set(stems.map((stem) => `${stem}.md`))];
  expect(names.length).toBeGreaterThanOrEqual(100);
  for (const name of names) moveIn(name, good);
  await settle();
  expect([...context.tasks.all()].map(({ file }) => file).sort()).toEqual(names.toSorted());
  const detail = { event: 'task_ended', phase: 'run', agent_role: 'runner', summary: 'x' } as const;
  for (const { id } of context.tasks.all()) {
    await context.tasks.transition(id, states.running, detail);
    await context.tasks.transition(id, states.done, detail);
  }
  expect(filesIn(layout, 'outbox/done')).toEqual(names.toSorted());
  expect(filesIn(layout, 'inbox')).toEqual([]);
}, 60_000);

test('F37 a hard link to somebody’s file is read as what it is, and its other name stays as it was', async () => {
  const { context, layout, path, settle } = await begin();
  const secret = join(layout.home, 'secret');
  writeFileSync(secret, 'password: hunter2\n', { mode: 0o600 });
  linkSync(secret, path('x.md'));
  await settle();
  expect([...context.tasks.all()]).toEqual([]);
  expect(readFileSync(secret, 'utf8')).toBe('password: hunter2\n');
  expect(readFileSync(join(layout.queue('outbox/invalid'), 'x.md.error.txt'), 'utf8')).not.toContain('hunter2');
});
