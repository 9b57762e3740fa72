import { isSignatureGood } from '@countersign/contracts/command.ts';
import { questionLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Browser, TestPage } from '../testing/page.ts';
import { answeredState, askingState, makeDetail, pendingState, question, runningState } from '../testing/samples.ts';

describe('an answer to a tool', () => {
  let page: TestPage;
  let browser: Browser;
  beforeEach(async () => {
    page = await TestPage.make();
    page.setState(askingState);
    browser = await page.signIn();
  });
  afterEach(() => page[Symbol.asyncDispose]());

  const answer = (body: object, key?: string, by = browser) => {
    const test = by.send('post', '/api/tasks/t1/answer').send(body);
    return key === undefined ? test : test.set('idempotency-key', key);
  };
  const said = { question: question.id, answer: '8080' };

  it('is one signed command for exactly this question', async () => {
    const { status, body } = await answer(said);
    expect([status, body.verdict]).toEqual([202, 'waiting']);
    const [command, ...more] = await page.commands();
    expect(more).toEqual([]);
    if (command === undefined) throw new Error('there is no command');
    expect(isSignatureGood(command, page.publicKey)).toBe(true);
    expect(command).toMatchObject({ id: body.id, kind: 'answer', actor: { channel: 'dashboard', user: 'operator' } });
    expect(command.subject).toEqual({ task: 't1', question: question.id, answer: '8080' });
  });

  it('W15 carries its code beside its subject, and nowhere else', async () => {
    const { body } = await answer({ ...said, code: '123456' });
    const [command] = await page.commands();
    expect(command).toMatchObject({ kind: 'answer', code: '123456' });
    expect(command?.subject).toEqual({ task: 't1', question: question.id, answer: '8080' });
    expect(JSON.stringify(body)).not.toContain('123456');
  });

  it('W27 two clicks answer once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => answer(said, 'one-tap-of-the-page')));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(await page.commands()).toHaveLength(1);
    expect((await answer({ ...said, answer: '9090' }, 'one-tap-of-the-page')).status).toBe(400);
    expect(await page.commands()).toHaveLength(1);
  });

  it.each([
    ['to another question', askingState, {}, 'something else', { ...said, question: '0000000000000000' }],
    ['that somebody else was faster with', answeredState, {}, 'come to its end', said],
    ['to a task that asks nothing', runningState, {}, 'come to its end', said],
    ['to a task that has gone on', pendingState, {}, 'it is pending now', said],
    ['to a task that is being cancelled', askingState, { cancellation }, 'being cancelled', said],
  ])('W27 %s: 409, what there is now, and no command', async (_, state, change, words, request) => {
    page.detail = makeDetail(state, change);
    const { status, body } = await answer(request);
    expect([status, body.error]).toEqual([409, 'stale']);
    expect(body.message).toContain(words);
    expect(body.task.row).toEqual(page.detail.row);
    expect(await page.commands()).toEqual([]);
  });

  it('tells with the new facts who was first, and what with', async () => {
    page.setState(answeredState);
    const { body } = await answer(said);
    expect(body.task.row.question.answer).toMatchObject({ user: '@ada:example.org', channel: 'matrix', text: '8080' });
    expect(body.task.row.actions).not.toContain('answer');
  });

  it.each([
    [{ question: question.id }],
    [{ answer: '8080' }],
    [{ ...said, answer: '' }],
    [{ ...said, answer: 'x'.repeat(questionLimits.answerCharacters + 1) }],
    [{ ...said, question: '../../../etc/passwd' }],
    [{ ...said, task: 't2' }],
    [{ ...said, code: '12345' }],
  ])('is refused where it is none: %o', async (body) => {
    expect((await answer(body)).status).toBe(400);
    expect(await page.commands()).toEqual([]);
  });

  it('comes by its own route alone, from who is signed in and on this page', async () => {
    expect((await browser.command({ kind: 'answer', task: 't1', ...said })).status).toBe(400);
    expect((await answer(said, undefined, page.stranger())).status).toBe(401);
    expect((await answer(said).set('x-countersign-csrf', 'another')).status).toBe(403);
    expect((await browser.send('post', '/api/tasks/nobody/answer').send(said)).status).toBe(404);
    expect((await browser.get('/api/tasks/t1/answer')).status).toBe(404);
    expect(await page.commands()).toEqual([]);
  });
});

const cancellation = {
  command: 'c'.repeat(22),
  channel: 'shell' as const,
  user: 'operator',
  reason: 'no',
  at: '2026-01-02T03:04:05.000Z',
};
