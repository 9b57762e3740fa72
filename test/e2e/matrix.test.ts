import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { headField, PostedHead } from '@countersign/contracts/journal-head.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Phone } from '../support/phone.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;
let phone: Phone;

beforeAll(async () => {
  stack = await Stack.up('matrix');
  phone = await Phone.login(join((await stack.places()).secrets, 'enrol', 'operator.env'));
});
afterAll(() => stack[Symbol.asyncDispose]());

const staging = (words: string) => `workspace: mini-control-plane\nstage: staging\n\n${words}\n`;

/** The gate messages of a task in the room. */
async function requests(task: string): Promise<number> {
  const received = await phone.received();
  return received.filter(({ content }) => /^Approval required/.test(String(content['body'])) && mentions(content, task))
    .length;
}

function mentions(content: Record<string, unknown>, task: string): boolean {
  return String(content['body']).includes(task);
}

describe('the loop of the first document', () => {
  test('a task with approval_required is approved from the phone and runs', async () => {
    await stack.drop('phone-approval-test.md', 'workspace: mini-control-plane\naction: run\napproval_required: true\n');
    const asked = await phone.receives(['phone-approval-test.md']);
    const waiting = await stack.reaches('phone-approval-test.md', ['pending']);
    const body = String(asked.content['body']);
    for (const fact of [
      waiting.id,
      'dev',
      'mini-control-plane',
      waiting.bases?.[0]?.head ?? '-',
      waiting.state.digest.slice(0, 8),
    ])
      expect(body).toContain(fact);
    expect(body.indexOf(waiting.state.digest.slice(0, 8))).toBeLessThan(body.indexOf('| '));
    expect(await readdir(join(stack.home, 'inbox', 'pending'))).toContain('phone-approval-test.md');

    const said = await phone.say('approve phone-approval-test.md');
    const done = await stack.reaches('phone-approval-test.md', ['review']);
    await phone.signOn(said);
    await phone.showsAt(asked.event_id, ['phone-approval-test.md', 'asks for the merge']);
    const head = done.state.result.repositories[0]?.head ?? '';
    const folder = join(stack.home, 'workspaces', 'mini-control-plane');
    const { stdout } = await execa('git', [
      '-c',
      `safe.directory=${folder}`,
      '-C',
      folder,
      'show',
      `${head}:hello.txt`,
    ]);
    expect(stdout).not.toBe('');
    expect(await readFile(join(stack.attemptFolder(done), 'agent-summary.md'), 'utf8')).not.toBe('');
    const approved = (await stack.events(done.run)).find(
      ({ event, task_id }) => event === 'task_approved' && task_id === done.id,
    );
    expect(JSON.stringify(approved?.data)).toContain(said);
    expect(approved?.summary).toContain(phone.session.user);
  });

  test('a tap decides as well: ✅ approves, ❌ rejects', async () => {
    await stack.drop('tapped.md', staging('create tapped.txt with one'));
    await stack.drop('refused.md', staging('create refused.txt with one'));
    const [tapped, refused] = [await phone.receives(['tapped.md']), await phone.receives(['refused.md'])];
    await phone.react(tapped.event_id, '✅');
    await phone.react(refused.event_id, '❌');
    await stack.reaches('tapped.md', ['review']);
    await stack.reaches('refused.md', ['rejected']);
    await phone.showsAt(tapped.event_id, ['📋 Finished, and not verified: tapped.md']);
    await phone.showsAt(refused.event_id, ['🚫 Rejected: refused.md']);
  });

  test('a result is shown with its digest and merged from the phone, where nobody checked it only when that is said', async () => {
    await stack.workspace('phone-merge');
    await stack.drop('merge-me.md', 'workspace: phone-merge\nstage: dev\n\ncreate merged.txt with hello\n');
    const { id, state } = await stack.reaches('merge-me.md', ['review']);
    const digest = state.result.digest.slice(0, 8);
    const shown = await phone.receives([id, digest, 'merge']);
    expect(String(shown.content['body'])).toContain('phone-merge');
    expect(await phone.answerTo(await phone.say(`merge ${id}`))).toContain('unverified');
    expect((await stack.task('merge-me.md'))?.state.status).toBe('review');
    await phone.react(shown.event_id, '✅');
    await phone.say(`merge ${id} unverified`);
    const done = await stack.reaches('merge-me.md', ['done']);
    expect(done.state.merged).toMatchObject({ channel: 'matrix', user: phone.session.user, unverified: true });
    await phone.receives(['Merged', id]);
    const folder = join(stack.home, 'workspaces', 'phone-merge');
    expect(await readFile(join(folder, 'merged.txt'), 'utf8')).toContain('hello');
    const merges = (await stack.events(done.run)).filter(
      ({ event, task_id }) => event === 'merge_started' && task_id === id,
    );
    expect(merges).toHaveLength(1);
  });

  test('a task is approved and merged with two taps; the phone rings once for each, and its message tells the rest in place', async () => {
    await stack.workspace('phone-taps');
    await phone.readsAll();
    expect(await phone.notifications()).toBe(0);
    const keys = 'workspace: phone-taps\nstage: staging\npostconditions:\n  - test -s tapped.txt\n';
    await stack.drop('two-taps.md', `---\n${keys}---\ncreate tapped.txt with hello\n`);
    const asked = await phone.receives(['Approval required', 'two-taps.md']);
    expect(await phone.notifications()).toBe(1);
    await phone.react(asked.event_id, '✅');
    const { id } = await stack.reaches('two-taps.md', ['review']);
    const ready = await phone.receives(['Ready to merge', id]);
    expect(ready.content['m.relates_to']).toMatchObject({ rel_type: 'm.thread', event_id: asked.event_id });
    await phone.showsAt(asked.event_id, ['📋 Ready to merge: two-taps.md', '1 file, +1 -0']);
    expect(await phone.notifications()).toBe(2);
    await phone.react(ready.event_id, '🔀');
    const done = await stack.reaches('two-taps.md', ['done']);
    expect(done.state.merged).toMatchObject({ channel: 'matrix', user: phone.session.user, unverified: false });
    for (const { event_id: event } of [asked, ready])
      await phone.showsAt(event, ['🔀 Merged: two-taps.md', `as ${phone.session.user} decided`]);
    await phone.receives(['Merged', id]);
    expect(await phone.notifications()).toBe(2);
    const here = (await phone.received()).filter(
      ({ content }) => mentions(content, id) && content['m.relates_to'] === undefined,
    );
    expect(here).toHaveLength(1);
  });

  test('what a task’s tool asks is answered by a tap on a number, and it goes on with that', async () => {
    await stack.workspace('phone-asks');
    const ask = 'run countersign-ask "Which port?" --option 8080 --option 9090 > answer.txt';
    await stack.drop('asks.md', `workspace: phone-asks\nstage: dev\n\n${ask}\n`);
    const asked = await phone.receives(['The task asks you something', 'asks.md', '| 2. 9090']);
    await phone.react(asked.event_id, '2️⃣');
    const { id, state } = await stack.reaches('asks.md', ['review']);
    await phone.showsAt(asked.event_id, ['💬 Answered: asks.md', `by ${phone.session.user}:\n| 9090\n`]);
    const head = state.result.repositories[0]?.head ?? '';
    const folder = join(stack.home, 'workspaces', 'phone-asks');
    const git = ['-c', `safe.directory=${folder}`, '-C', folder, 'show', `${head}:answer.txt`];
    expect((await execa('git', git)).stdout).toBe('9090');
    const ready = await phone.receives(['Finished, and not verified', id]);
    expect(ready.content['m.relates_to']).toMatchObject({ rel_type: 'm.thread', event_id: asked.event_id });
  });

  test('a file that is attached is a task, whose end is told to whoever attached it', async () => {
    await stack.workspace('phone-files');
    const text = 'workspace: phone-files\nstage: staging\n\ncreate attached.txt with hello\n';
    const attached = await phone.attach('later.md', text);
    const verdict = await phone.answerTo(attached);
    const file = /room-[0-9a-f]{8}\.md/.exec(verdict)?.[0] ?? '-';
    await stack.reaches(file, ['pending']);
    expect((await phone.receives(['Approval required', file])).content['msgtype']).toBe('m.text');
    const refused = await phone.attach('more.md', text.replace('stage:', 'postconditions: ["true"]\nstage:'));
    expect(await phone.answerTo(refused)).toContain('names its workspace and its stage, and nothing else');
  });

  test('prod is not decided here, and the room says what to do instead', async () => {
    await stack.drop('live.md', 'workspace: mini-control-plane\nstage: prod\n\ncreate live.txt with one\n');
    const asked = await phone.receives(['live.md']);
    expect(String(asked.content['body'])).toContain('scripts/countersign');
    expect(await phone.answerTo(await phone.say('approve live.md'))).toContain('scripts/countersign');
    expect((await stack.task('live.md'))?.state.status).toBe('pending');
    expect(await stack.countersign('reject', 'live.md')).toMatchObject({ exitCode: 0 });
  });

  test('A30 the bot’s token is replaced while everything runs: the one before is worth nothing, and the room goes on', async () => {
    const file = join((await stack.places()).secrets, 'matrix-listener', 'matrix-bot.env');
    const token = async () => parseEnv(await readFile(file, 'utf8'))['MATRIX_BOT_TOKEN'] ?? '';
    const whoami = async (of: string) => (await phone.http.request('GET', '/account/whoami', of)).status;
    const before = await token();
    const { exitCode, stdout, stderr } = await stack.countersign('rotate-bot-token', '--json');
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ listener: 'uses-it', sessions_ended: 1 });
    expect([await whoami(before), await whoami(await token())]).toEqual([401, 200]);
    await stack.drop('rotated.md', staging('create rotated.txt with one'));
    await phone.react((await phone.receives(['rotated.md'])).event_id, '✅');
    const { id } = await stack.reaches('rotated.md', ['review']);
    expect(await requests(id)).toBe(1);
    expect((await stack.countersign('status')).stdout).not.toContain('matrix-listener');
  });

  test('a line that is sent from the shell stands in the room', async () => {
    expect(await stack.script('send_matrix.sh', ['TEST', 'FROM', 'MINI'])).toMatchObject({ exitCode: 0 });
    expect((await phone.receives(['TEST FROM MINI'])).content['body']).toBe('TEST FROM MINI');
  });
});

describe('while a part is down', () => {
  test('what is approved while the runner is down is done when it is back', async () => {
    await stack.drop('later.md', staging('create later.txt with one'));
    await phone.receives(['later.md']);
    const { id } = await stack.reaches('later.md', ['pending']);
    await stack.compose('stop', 'runner');
    const said = await phone.say(`Approve ${id}`);
    expect(await phone.answerTo(said)).toContain('Kept');
    await stack.compose('start', 'runner');
    await stack.reaches('later.md', ['review']);
    await phone.signOn(said);
  });

  test('the runner goes on without the listener, and what it asked meanwhile is asked once', async () => {
    await stack.compose('kill', 'matrix-listener');
    await stack.drop('meanwhile.md', staging('create meanwhile.txt with one'));
    const { id } = await stack.reaches('meanwhile.md', ['pending']);
    await stack.compose('start', 'matrix-listener');
    const asked = await phone.receives([id]);
    await phone.react(asked.event_id, '✅');
    await stack.reaches('meanwhile.md', ['review']);
    expect(await requests(id)).toBe(1);
  });

  test('a listener that is killed again and again asks once and decides once', async () => {
    const names = Array.from({ length: 5 }, (_, index) => `often-${index}.md`);
    let isKilling = true;
    const killing = (async () => {
      while (isKilling) {
        // From the host, so that the restart policy brings it back.
        await stack.processOf('matrix-listener').then(
          (pid) => process.kill(pid, 'SIGKILL'),
          () => undefined,
        );
        // What ends within ten seconds of its start the engine starts again later each time.
        await sleep(11_000);
      }
    })();
    for (const name of names) await stack.drop(name, staging(`create ${name}.txt with one`));
    const asked = new Map<string, string>();
    for (const name of names) {
      const { event_id: event } = await phone.receives([name], 120_000);
      asked.set(name, event);
      await phone.react(event, '✅');
    }
    isKilling = false;
    await killing;
    for (const name of names) {
      const done = await stack.reaches(name, ['review'], 120_000);
      expect(await requests(done.id)).toBe(1);
      await phone.showsAt(asked.get(name) ?? '', ['asks for the merge'], 60_000);
      const accepted = (await stack.events(null)).filter(
        ({ event, task_id }) => event === 'command_accepted' && task_id === done.id,
      );
      expect(accepted).toHaveLength(1);
    }
  });
});

test('A27 what the room was told of the journals is what they say, and shows when one is another', async () => {
  const file = join(stack.home, '..', 'room.json');
  const told = (await phone.events()).filter(({ content }) => headField in content);
  expect(told.length).toBeGreaterThan(20);
  await writeFile(file, JSON.stringify({ messages: told }));
  const clean = await stack.script('countersign', ['audit', '--room', file]);
  expect([clean.exitCode, clean.stderr]).toEqual([0, '']);
  expect(clean.stdout).toContain(`, ${told.length} messages of the room: everything is as it was written`);
  const head = 'f'.repeat(64);
  const lied = told.slice(-1).map((event) => ({
    ...event,
    content: { [headField]: { ...PostedHead.parse(event.content[headField]), head } },
  }));
  await writeFile(file, JSON.stringify({ messages: lied }));
  const other = await stack.script('countersign', ['audit', '--json', '--room', file]);
  expect(other.exitCode).toBe(1);
  expect(JSON.parse(other.stdout).findings).toHaveLength(1);
  expect(other.stdout).toContain(told.at(-1)?.event_id);
});

test('no token, password or key stands in a log or in what the engine shows of a container', async () => {
  const { secrets } = await stack.places();
  const files = ['enrol/operator.env', 'matrix-listener/matrix-bot.env', 'matrix-listener/signing.key.pem'];
  const texts = await Promise.all(files.map((file) => readFile(join(secrets, file), 'utf8')));
  const hidden = texts.flatMap((text) => [
    ...[...text.matchAll(/(?:PASSWORD|TOKEN)=["']?([^\s"']+)/g)].map(([, value]) => value ?? ''),
    ...(text.includes('PRIVATE') ? [text.split('\n')[1] ?? ''] : []),
  ]);
  expect(hidden).toHaveLength(3);
  const label = `label=com.docker.compose.project=${stack.project}`;
  const { stdout: ids } = await execa('docker', ['ps', '--all', '--quiet', '--filter', label]);
  for (const id of ids.split('\n')) {
    const { all } = await execa('docker', ['logs', id], { all: true });
    const { stdout: inspected } = await execa('docker', ['inspect', id]);
    for (const secret of hidden) expect(all + inspected).not.toContain(secret);
  }
  const { stdout: logged } = await execa(
    'grep',
    ['-rlF', ...hidden.flatMap((s) => ['-e', s]), join(stack.home, 'logs')],
    {
      reject: false,
    },
  );
  expect(logged).toBe('');
});
