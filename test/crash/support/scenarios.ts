import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { asking } from './house.ts';
import type { Scenario, Scene } from './scenario.ts';

const status = ({ tasks }: Scene, id: string) => tasks.get(id)?.state.status;
const isIn = (scene: Scene, wanted: Readonly<Record<string, TaskRecord['state']['status']>>) =>
  Object.entries(wanted).every(([id, name]) => status(scene, id) === name);

const dev = [
  'id: devel',
  'workspace: project',
  'stage: dev',
  'postconditions:',
  '  - "true"',
  '',
  'change it',
  '',
].join('\n');
const staging = (id: string) => `id: ${id}\nworkspace: project\nstage: staging\n\nchange it with care\n`;
const pair = [
  'id: pairs',
  'workspace: pair',
  'repos: [one, two]',
  'postconditions:',
  '  - "true"',
  '',
  'both',
  '',
].join('\n');

/** A runner has begun here before, and made its memory. */
export const begun: Scenario = {
  name: 'begun',
  after: null,
  launcherAnswers: false,
  act: ({ operator }) => existsSync(join(operator.house.layout.memory, '.git/refs/heads/main')),
};

/** Three files are dropped while no sandbox can be had: two wait, one is refused. */
export const accept: Scenario = {
  name: 'accept',
  after: begun,
  launcherAnswers: false,
  act(scene) {
    const { operator } = scene;
    operator.drop('dev.md', dev);
    operator.drop('staging.md', staging('stage'));
    operator.drop('wrong.md', 'workspace: nowhere\n\nchange it\n');
    const isRefused = operator.house.isFiled('outbox/invalid', ['wrong.md', 'wrong.md.error.txt']);
    return isIn(scene, { devel: 'queued', stage: 'queued' }) && isRefused;
  },
};

/** Both are worked on: one runs, is taken in, verified, and waits for review; the other is planned and waits for approval. */
export const work: Scenario = {
  name: 'work',
  after: accept,
  launcherAnswers: true,
  act: (scene) => isIn(scene, { devel: 'review', stage: 'pending' }),
};

/** Approved, and run with what was approved. */
export const approved: Scenario = {
  name: 'approved',
  after: work,
  launcherAnswers: true,
  act(scene) {
    const state = scene.tasks.get('stage')?.state;
    if (state?.status === 'pending')
      scene.operator.command('command-approve-1', {
        kind: 'approve',
        subject: { task: 'stage', digest: state.digest },
      });
    return isIn(scene, { stage: 'review' });
  },
};

/** The tool of one asks a person, is answered, and goes on; where its attempt was lost, the next one asks anew. */
export const ask: Scenario = {
  name: 'ask',
  after: begun,
  launcherAnswers: true,
  act(scene) {
    scene.operator.drop('asks.md', `id: ${asking}\nworkspace: project\nstage: dev\n\nask, and do it\n`);
    const state = scene.tasks.get(asking)?.state;
    const question = state?.status === 'running' ? state.question : null;
    if (question?.answer === null)
      scene.operator.command(`command-answer-${question.id}`, {
        kind: 'answer',
        subject: { task: asking, question: question.id, answer: '8080' },
      });
    return isIn(scene, { [asking]: 'review' });
  },
};

/** Decisions of every kind, none of which begins anything; the last one is of a task that does not exist. */
export const decide: Scenario = {
  name: 'decide',
  after: work,
  launcherAnswers: false,
  act(scene) {
    const { operator } = scene;
    const state = scene.tasks.get('stage')?.state;
    if (state?.status === 'pending')
      operator.command('command-approve-1', { kind: 'approve', subject: { task: 'stage', digest: state.digest } });
    operator.command('command-reject-01', { kind: 'reject', subject: { task: 'devel', reason: 'not so' } });
    operator.command('command-submit-01', {
      kind: 'submit',
      subject: { file: 'submitted.md', content: staging('sbmtt') },
    });
    operator.command('command-send-0001', { kind: 'send', subject: { text: 'hello' } });
    operator.command('command-nobody-01', { kind: 'reject', subject: { task: 'nobody', reason: '' } });
    const isAnswered = [...operator.commands.keys()].every((id) => operator.isAnswered(id));
    return isAnswered && isIn(scene, { stage: 'approved', devel: 'rejected', sbmtt: 'queued' });
  },
};

/** A task over two repositories is run and waits for review. */
export const runPair: Scenario = {
  name: 'run of two repositories',
  after: begun,
  launcherAnswers: true,
  act(scene) {
    scene.operator.drop('pair.md', pair);
    return isIn(scene, { pairs: 'review' });
  },
};

/** Its result is merged into both; where that was refused, which an error of the disk may bring about, once more. */
export const mergePair: Scenario = {
  name: 'merge of two repositories',
  after: runPair,
  launcherAnswers: true,
  act(scene) {
    const state = scene.tasks.get('pairs')?.state;
    if (state?.status === 'review')
      scene.operator.command(`command-merge-${state.refusals.length === 0 ? 'first' : 'again'}`, {
        kind: 'merge',
        subject: { task: 'pairs', digest: state.result.digest },
      });
    return isIn(scene, { pairs: 'done' });
  },
};
