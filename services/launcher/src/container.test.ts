import { expect, test } from 'vitest';
import { describeSandbox, ownerOf } from './container.ts';
import { compile } from './policy.ts';
import { exampleImage } from './testing/fake-engine.ts';
import { ingredients } from './testing/ingredients.ts';
import { inspectionOf } from './testing/inspection-of.ts';

const slot = ingredients.slot;
const ours = {
  Id: 'c1',
  Names: [`/countersign-sandbox-${slot}`],
  Labels: { 'countersign.sandbox': slot, 'countersign.project': 'countersign', 'countersign.epoch': 'e0' },
};

test('S009 a container is ours by its project, its slot and its name together', () => {
  expect(ownerOf('countersign', ours)).toEqual({ slot, epoch: 'e0' });
  expect(ownerOf('other', ours)).toBeNull();
  expect(ownerOf('countersign', { ...ours, Labels: {} })).toBeNull();
  expect(ownerOf('countersign', { ...ours, Names: ['/countersign-runner-1'] })).toBeNull();
  expect(ownerOf('countersign', { ...ours, Labels: { ...ours.Labels, 'countersign.project': 'other' } })).toBeNull();
  expect(ownerOf('countersign', { ...ours, Labels: { ...ours.Labels, 'countersign.sandbox': '../x' } })).toBeNull();
  expect(
    ownerOf('countersign', { ...ours, Labels: { ...ours.Labels, 'countersign.sandbox': 'f'.repeat(32) } }),
  ).toBeNull();
});

test.each([
  ['created', 'created', null],
  ['running', 'running', null],
  ['paused', 'running', null],
  ['restarting', 'running', null],
  ['exited', 'ended', 3],
  ['dead', 'ended', 3],
  ['removing', 'ended', 3],
])('the engine state %s is %s', (status, state, exitCode) => {
  const inspection = inspectionOf('c1', 'n', compile(ingredients), exampleImage);
  inspection.State = { Status: status, ExitCode: 3, OOMKilled: false, StartedAt: '2026-11-20T10:00:05Z' };
  expect(describeSandbox(inspection)).toEqual({
    id: slot,
    profile: 'default',
    state,
    image: exampleImage.id,
    runtime: 'runc',
    exit_code: exitCode,
    out_of_memory: false,
    started_at: status === 'created' ? inspection.Created : '2026-11-20T10:00:05Z',
  });
});

test('a container whose labels the launcher did not write is not described', () => {
  const inspection = inspectionOf('c1', 'n', compile(ingredients), exampleImage);
  inspection.Config.Labels = { ...inspection.Config.Labels, 'countersign.profile': '../default' };
  expect(describeSandbox(inspection)).toBeNull();
});

test('one without an epoch is of no start that is known', () => {
  const { 'countersign.epoch': _, ...labels } = ours.Labels;
  expect(ownerOf('countersign', { ...ours, Labels: labels })).toEqual({ slot, epoch: '' });
});
