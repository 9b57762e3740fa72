import { isSignatureGood } from '@countersign/contracts/command.ts';
import { commandLimits, taskFileLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QueryError } from '../queries/query-error.ts';
import { type Browser, TestPage } from '../testing/page.ts';
import {
  digest,
  endedState,
  makeServices,
  otherDigest,
  pendingState,
  reviewState,
  runningState,
} from '../testing/samples.ts';

const file = '---\nworkspace: w\n---\n\n# A task\n\nDo it.\n';

describe('commands', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make();
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  it.each([
    ['pending', pendingState, { kind: 'approve', task: 't1', digest }, { task: 't1', digest }],
    [
      'pending',
      pendingState,
      { kind: 'reject', task: 't1', digest, reason: 'no' },
      { task: 't1', digest, reason: 'no' },
    ],
    ['pending', pendingState, { kind: 'cancel', task: 't1', reason: '' }, { task: 't1', reason: '' }],
    [
      'review',
      reviewState,
      { kind: 'merge', task: 't1', digest, unverified: true },
      { task: 't1', digest, unverified: true },
    ],
    ['review', reviewState, { kind: 'rebase', task: 't1', digest }, { task: 't1', digest }],
    [
      'running',
      runningState,
      { kind: 'revoke', task: 't1', command: 'the-command-that-approved' },
      { task: 't1', command: 'the-command-that-approved' },
    ],
    ['cancelled', endedState, { kind: 'retry', task: 't1' }, { task: 't1' }],
    ['any', pendingState, { kind: 'pause', reason: 'lunch' }, { reason: 'lunch' }],
    ['any', pendingState, { kind: 'resume' }, {}],
    ['any', pendingState, { kind: 'submit', file: 'a.md', content: file }, { file: 'a.md', content: file }],
  ])('of a task that is %s: one signed file', async (_, state, request, subject) => {
    page.setState(state);
    const answer = await browser.command(request);
    expect([answer.status, answer.body.verdict]).toEqual([202, 'waiting']);
    const [command, ...more] = await page.commands();
    expect(more).toEqual([]);
    if (command === undefined) throw new Error('there is no command');
    expect(isSignatureGood(command, page.publicKey)).toBe(true);
    expect(command).toMatchObject({
      id: answer.body.id,
      kind: request.kind,
      actor: { channel: 'dashboard', user: 'operator' },
    });
    expect(command.subject).toEqual(subject);
    expect((await browser.get(`/api/commands/${answer.body.id}`)).body.verdict).toBe('waiting');
  });

  it('a code stands beside the subject, and nowhere else', async () => {
    const { body } = await browser.command({ kind: 'approve', task: 't1', digest, code: '123456' });
    const [command] = await page.commands();
    expect(command).toMatchObject({ kind: 'approve', code: '123456', subject: { task: 't1', digest } });
    expect(JSON.stringify(body)).not.toContain('123456');
  });

  it('W27 two clicks decide once', async () => {
    const request = { kind: 'approve', task: 't1', digest };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => browser.command(request, 'one-tap-of-the-page')),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(await page.commands()).toHaveLength(1);
    page.setState(runningState);
    expect((await browser.command(request, 'one-tap-of-the-page')).status).toBe(202);
    expect(await page.commands()).toHaveLength(1);
  });

  it('W27 the same tap is the same command also where nobody remembers it', async () => {
    const first = await browser.command({ kind: 'resume' }, 'one-tap-of-the-page');
    await using later = await TestPage.make();
    const second = await (await later.signIn()).command({ kind: 'resume' }, 'one-tap-of-the-page');
    expect(second.body.id).toBe(first.body.id);
  });

  it('W27 a key is for one request', async () => {
    await browser.command({ kind: 'resume' }, 'one-tap-of-the-page');
    const other = await browser.command({ kind: 'pause', reason: '' }, 'one-tap-of-the-page');
    expect(other.status).toBe(400);
    for (const key of ['short', 'with blanks in it', 'x'.repeat(129), '../../../etc/passwd'])
      expect((await browser.command({ kind: 'resume' }, key)).status).toBe(400);
    expect(await page.commands()).toHaveLength(1);
  });

  it.each([
    ['another plan', pendingState, { kind: 'approve', task: 't1', digest: otherDigest }],
    ['a task that was approved meanwhile', runningState, { kind: 'approve', task: 't1', digest }],
    ['a result that was asked about as a plan', reviewState, { kind: 'approve', task: 't1', digest }],
    ['another plan, to be rejected', pendingState, { kind: 'reject', task: 't1', digest: otherDigest, reason: '' }],
    ['a task that has ended', endedState, { kind: 'reject', task: 't1', reason: '' }],
    ['another result', reviewState, { kind: 'merge', task: 't1', digest: otherDigest }],
    ['a plan, as a result', pendingState, { kind: 'merge', task: 't1', digest }],
    ['another result, to be carried over', reviewState, { kind: 'rebase', task: 't1', digest: otherDigest }],
    ['another approval', runningState, { kind: 'revoke', task: 't1', command: 'another-command-at-all' }],
    ['a task that has ended already', endedState, { kind: 'cancel', task: 't1', reason: '' }],
    ['a task that goes on', runningState, { kind: 'retry', task: 't1' }],
  ])('W27 %s: 409, the task as it is now, and no command', async (_, state, request) => {
    page.setState(state);
    const answer = await browser.command(request);
    expect([answer.status, answer.body.error]).toEqual([409, 'stale']);
    expect(answer.body.task.row.status).toBe(state.status);
    expect(await page.commands()).toEqual([]);
  });

  it('W27 a stale tap can be made again once the page shows what there is', async () => {
    page.setState(runningState);
    expect((await browser.command({ kind: 'approve', task: 't1', digest }, 'a-key-of-the-page')).status).toBe(409);
    page.setState(pendingState);
    expect((await browser.command({ kind: 'approve', task: 't1', digest }, 'a-key-of-the-page')).status).toBe(202);
  });

  it('W27 of two tabs that say yes and no, the one that was first is read first', async () => {
    const other = await page.signIn();
    await browser.command({ kind: 'approve', task: 't1', digest });
    await other.command({ kind: 'reject', task: 't1', digest, reason: '' });
    expect((await page.commands()).map(({ kind }) => kind)).toEqual(['approve', 'reject']);
    page.setState(runningState);
    expect((await other.command({ kind: 'reject', task: 't1', digest, reason: '' })).status).toBe(409);
  });

  it('nobody approves what cannot be shown', async () => {
    page.detail = { ...page.detail, approval: { unreadable: 'plan.md was changed' } };
    const answer = await browser.command({ kind: 'approve', task: 't1', digest });
    expect(answer.status).toBe(409);
    expect(answer.body.message).toContain('plan.md was changed');
    expect(await page.commands()).toEqual([]);
  });

  it('works while the runner does not, and says so', async () => {
    page.services = makeServices('silent');
    const answer = await browser.command({ kind: 'approve', task: 't1', digest });
    expect(answer.status).toBe(202);
    expect(answer.body.message).toContain('The runner is not running');
    expect((await browser.get(`/api/commands/${answer.body.id}`)).body.message).toContain('The runner is not running');
    expect(await page.commands()).toHaveLength(1);
  });

  it('says when the launcher is not there, and that nothing was done', async () => {
    const answer = await browser.command({ kind: 'service_stop', service: 'runner' });
    expect([answer.status, answer.body.error]).toEqual([503, 'unavailable']);
    expect(answer.body.message).toContain('the launcher does not answer');
    const { body } = await browser.get('/api/services');
    expect(body.launcher).toContain('the launcher does not answer');
    expect(body.services[0]).toMatchObject({ name: 'runner', container: null });
  });

  it('brings what the launcher did, and what it refused', async () => {
    const container = { state: 'exited', started_at: null, restarts: 0, image: 'countersign' };
    page.launcher = { status: 'done', container };
    const done = await browser.command({ kind: 'service_stop', service: 'runner' }, 'a-tap-at-services');
    expect(done.body).toMatchObject({ verdict: 'accepted', message: 'runner is exited' });
    expect((await browser.command({ kind: 'service_stop', service: 'runner' }, 'a-tap-at-services')).body).toEqual(
      done.body,
    );
    expect(page.orders).toHaveLength(1);
    expect((await browser.get(`/api/commands/${done.body.id}`)).body.verdict).toBe('accepted');
    expect((await browser.get('/api/services')).body.services[0].container).toEqual(container);
    page.launcher = { status: 'refused', reason: 'there are too many orders' };
    const refused = await browser.command({ kind: 'service_start', service: 'runner' });
    expect(refused.body).toMatchObject({ verdict: 'refused', message: 'there are too many orders' });
    expect(await page.commands()).toEqual([]);
  });

  it('says when the disk does not take a command, and forgets the tap', async () => {
    let isFull = true;
    await using full = await TestPage.make({
      write: async () => {
        if (isFull) throw new Error('ENOSPC: no space left on device');
      },
    });
    const person = await full.signIn();
    const answer = await person.command({ kind: 'resume' }, 'one-tap-of-the-page');
    expect([answer.status, answer.body.error]).toEqual([503, 'unavailable']);
    expect(JSON.stringify(answer.body)).not.toContain('ENOSPC');
    isFull = false;
    expect((await person.command({ kind: 'resume' }, 'one-tap-of-the-page')).status).toBe(202);
  });

  it('gives no command about a task while nobody knows how it stands', async () => {
    const task = async () => {
      throw new QueryError('index_rebuilding', 'The index is being made.');
    };
    await using blind = await TestPage.make({ queries: { task } });
    const answer = await (await blind.signIn()).command({ kind: 'approve', task: 't1', digest });
    expect([answer.status, answer.body.error]).toEqual([503, 'index_rebuilding']);
    expect(await blind.commands()).toEqual([]);
  });

  it.each([
    ['no task file', { file: 'a.md', content: 'no front matter' }],
    ['an unknown field', { file: 'a.md', content: '---\nworkspace: w\nroot: true\n---\n\n# A\n\nb\n' }],
    ['a name with a slash', { file: '../a.md', content: file }],
    ['a name with a NUL', { file: 'a\0.md', content: file }],
    ['a hidden name', { file: '.a.md', content: file }],
    ['another kind of file', { file: 'a.sh', content: file }],
    ['a name that leaves no room', { file: `${'a'.repeat(200)}.md`, content: file }],
  ])('a file to be submitted that is wrong is told of at once: %s', async (_, request) => {
    const answer = await browser.command({ kind: 'submit', ...request });
    expect([answer.status, answer.body.error]).toEqual([400, 'bad_request']);
    expect(await page.commands()).toEqual([]);
  });

  it('takes a file of the largest size', async () => {
    const content = file.padEnd(taskFileLimits.fileBytes, 'x\n');
    expect((await browser.command({ kind: 'submit', file: 'a.md', content })).status).toBe(202);
    const [command] = await page.commands();
    expect(command?.subject).toEqual({ file: 'a.md', content });
    expect(JSON.stringify(command).length).toBeLessThan(commandLimits.fileBytes);
  });

  it('keeps the order in which commands were given, whatever the clock does', async () => {
    await browser.command({ kind: 'pause', reason: '' });
    page.now -= 5_000;
    await browser.command({ kind: 'resume' });
    expect((await page.commands()).map(({ kind }) => kind)).toEqual(['pause', 'resume']);
  });

  it.each([
    { kind: 'clean', older_than_days: 0 },
    { kind: 'send', text: 'x' },
    { kind: 'approve', task: 't1' },
    { kind: 'approve', task: '../t1', digest },
    { kind: 'approve', task: ['t1'], digest },
    { kind: 'approve', task: { $ne: '' }, digest },
    { kind: 'approve', task: 't1', digest, subject: {} },
    { kind: 'approve', task: 't1', digest, code: '12345' },
    { kind: 'merge', task: 't1', digest, unverified: 'yes' },
    { kind: 'service_stop', service: 'dashboard' },
    { kind: 'service_stop', service: 'launcher' },
    [],
    [{ kind: 'resume' }],
  ])('what is no request of the page is refused: %j', async (body) => {
    expect((await browser.command(body)).status).toBe(400);
    expect(await page.commands()).toEqual([]);
    expect(page.orders).toEqual([]);
  });
});
