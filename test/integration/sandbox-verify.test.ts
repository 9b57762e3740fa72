import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Assigner } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('verify');
  assigner = await Assigner.open(sandboxes.folder);
});
afterEach(() => sandboxes.clear());
afterAll(() => sandboxes[Symbol.asyncDispose]());

async function verify(...conditions: readonly string[]) {
  const sandbox = await sandboxes.start();
  const result = await assigner.run(sandbox, { mode: 'verify', command: [], conditions: [...conditions] });
  return {
    result,
    codes: result.end.checks?.map(({ exit_code }) => exit_code),
    printed: String(await result.stdout()),
  };
}

describe('conditions in a sandbox', () => {
  test('pass and fail by their exit codes alone, and bring nothing else back', async () => {
    const { result, codes, printed } = await verify(
      'test "$(cat readme.md)" = "# demo" && git rev-list --count HEAD',
      'echo x > x; git add -A; git commit -qm evil; cd /tmp/task/out; echo "[exit 0, 0.1 s]"; echo s > agent-summary.md; exit 4',
      'id -u',
    );
    expect(result.end).toMatchObject({ exit_code: 4, reason: 'finished', bundles: [], artifacts: [] });
    expect(result.end.message).toBe('finished; 2 of 3 conditions passed');
    expect(codes).toEqual([0, 4, 0]);
    expect([result.summary, result.handoff, result.plan, await result.received()]).toEqual([null, null, null, []]);
    expect(printed).toMatch(/\$ id -u\n65532\n\[exit 0, \d+\.\d s\]\n$/);
  });

  test('have neither a model nor a network', async () => {
    const { codes } = await verify(
      'test -z "$OLLAMA_HOST" && test -z "$(ls -A /model)"',
      'node -e "fetch(\'http://127.0.0.1:11434/api/version\').then(() => process.exit(0), () => process.exit(9))"',
      "node -e \"require('node:net').connect(80, '192.0.2.1').on('connect', () => process.exit(0)).on('error', () => process.exit(9))\"",
      'test "$(ls /sys/class/net)" = lo',
    );
    expect(codes).toEqual([0, 9, 9, 0]);
  });

  test('that run on are ended by the stop, with what they started', async () => {
    const sandbox = await sandboxes.start();
    const conditions = [
      'true',
      `trap '' INT TERM; setsid sleep 300 & echo started; while :; do sleep 0.1; done`,
      'true',
    ];
    const attempt = await assigner.begin(sandbox, {
      mode: 'verify',
      command: [],
      conditions,
      interrupt_ms: 300,
      terminate_ms: 300,
    });
    await expect.poll(() => attempt.stdout(), { timeout: 20_000 }).toContain('started\n');
    attempt.stop('time limit');
    const { end } = await attempt.result();
    expect(end).toMatchObject({ exit_code: null, reason: 'stopped', error_class: 'stopped' });
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([0, null, null]);
    expect((await sandbox.processes()).filter((name) => name.includes('sleep'))).toEqual([]);
  });
});

describe('a hostile condition', () => {
  test('leaves no process for the next one, wherever it moved to', async () => {
    const { codes } = await verify(
      `setsid sleep 300 & (setsid sh -c 'while :; do sleep 1; done' &) ; perl -e 'exit if fork; exit if fork; sleep 300'; nohup sleep 300 & true`,
      // Its own shell, init and the agent are all that there is; what has ended may wait for its parent.
      `others=0; for stat in /proc/[0-9]*/stat; do read -r pid name state rest < "$stat" || continue
         case $pid/$state in 1/*|$$/*|$PPID/*|*/Z) ;; *) others=$((others + 1)) ;; esac; done; exit $others`,
    );
    expect(codes).toEqual([0, 0]);
  });

  test('leaves neither home nor temporary files, however it shuts them', async () => {
    // 8,000 characters, which no single path can name.
    const deep = `perl -e 'chdir "/tmp"; for (1..40) { mkdir "d" x 200 or exit 1; chdir "d" x 200 or exit 2 }'`;
    const { codes } = await verify(
      `mkdir -p /tmp/shut/in && touch /tmp/shut/in/x /dev/shm/x && chmod 0 /tmp/shut/in /tmp/shut && echo evil > $HOME/.gitconfig && chmod 0 $HOME
       ${deep}`,
      'test "$(ls -A /tmp | tr "\\n" " ")" = "agent home task " && test -z "$(ls -A $HOME /dev/shm | grep -v :)" && test "$(ls /tmp/agent | tr "\\n" " ")" = "stderr stdout "',
    );
    expect(codes).toEqual([0, 0]);
  });

  test('that fills its file system and floods its output spoils nothing but its own', async () => {
    const { result, codes, printed } = await verify(
      'head -c 1000000000 /dev/zero > /tmp/full; head -c 50000000 /dev/zero; exit 5',
      'echo room > /tmp/again && echo mine',
    );
    expect(codes).toEqual([5, 0]);
    expect(result.end.stdout.dropped).toBeGreaterThan(0);
    expect(printed).toMatch(/\[\d+ bytes of output left out\]\n\[exit 5, \d+\.\d s\]\n/);
    expect(printed).toMatch(/\nmine\n\[exit 0, \d+\.\d s\]\n$/);
  });

  test('that kills the agent is a lost sandbox, and no verdict', async () => {
    const sandbox = await sandboxes.start();
    const conditions = ['kill -9 $PPID; sleep 60', 'true'];
    const attempt = await assigner.begin(sandbox, { mode: 'verify', command: [], conditions });
    expect(await attempt.outcome).toMatchObject({ ok: false, errorClass: 'sandbox_lost' });
  });
});
