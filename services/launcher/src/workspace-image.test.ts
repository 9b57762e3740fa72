import { describe, expect, test } from 'vitest';
import { exampleImage } from './testing/fake-engine.ts';
import { workspaceImage } from './testing/workspace-image.ts';
import { findUnfitness } from './workspace-image.ts';

const judge = (config: Readonly<Record<string, unknown>>, workspace = 'app') =>
  findUnfitness(exampleImage, workspaceImage('app', config), workspace);
const ownPath = '/usr/local/bin:/usr/bin:/bin';
const labels = (more: Readonly<Record<string, string>>) => ({
  Labels: { ...(workspaceImage('app').config['Labels'] as object), ...more },
});

test('an image as the script makes it is fit', () => {
  expect(judge({})).toEqual([]);
  // Engines leave out what is unset, or repeat what an image is built with.
  expect(
    judge({ Healthcheck: null, Shell: ['/bin/bash', '-c'], ArgsEscaped: false, OnBuild: [], Volumes: {} }),
  ).toEqual([]);
  expect(judge(labels({ 'com.docker.compose.project': 'other' }))).toEqual([]);
  expect(judge(labels({ 'org.opencontainers.image.title': 'app', 'org.opencontainers.image.source': 'x' }))).toEqual(
    [],
  );
});

describe('what an image is made from', () => {
  const withLayers = (layers: readonly string[]) =>
    findUnfitness(exampleImage, { ...workspaceImage('app'), layers }, 'app');
  const [first = '', second = ''] = exampleImage.layers;

  test.each([
    ['nothing', []],
    ['something else', ['sha256:x', 'sha256:y']],
    ['a part of the sandbox', [first]],
    ['the sandbox on top of something', ['sha256:x', first, second]],
    ['the sandbox in another order', [second, first]],
  ])('S005 %s is not the sandbox', (_name, layers) => {
    expect(withLayers(layers)).toEqual([expect.stringMatching(/does not derive/)]);
  });

  test('S005 from a profile whose image has no layers nothing derives', () => {
    const bare = { ...exampleImage, layers: [] };
    expect(findUnfitness(bare, workspaceImage('app'), 'app')).toEqual([expect.stringMatching(/does not derive/)]);
  });
});

describe('labels', () => {
  test.each(['App', 'app2', '', 'app '])("an image of workspace %j is not app's", (workspace) => {
    expect(judge(labels({ 'countersign.workspace': workspace }))).toEqual([
      expect.stringMatching(/^Labels\.countersign\.workspace is .*, not "app"/),
    ]);
  });

  test.each([null, {}, { 'countersign.dockerfile': 'x' }])('labels %j are no label', (Labels) => {
    expect(judge({ Labels })).toContainEqual(expect.stringMatching(/^Labels\.countersign\.workspace is absent/));
  });

  test.each([
    'com.centurylinklabs.watchtower.lifecycle.pre-check',
    'ofelia.job-exec.x.command',
    'traefik.enable',
    'com.docker.compose.oneoff',
    'countersign.sandbox',
    '__proto__',
  ])('S005 a label %s, on which a program of the host could act, is refused', (key) => {
    const Labels = JSON.parse(`{"org.opencontainers.image.title":"x","countersign.workspace":"app","${key}":"x"}`);
    expect(judge({ Labels })).toEqual([expect.stringContaining(key)]);
  });
});

describe('what a container would take over', () => {
  test.each([
    ['S007 VOLUME', { Volumes: { '/data': {} } }, /^Config\.Volumes is/],
    ['HEALTHCHECK', { Healthcheck: { Test: ['CMD', 'true'] } }, /^Config\.Healthcheck is/],
    ['ONBUILD', { OnBuild: ['RUN true'] }, /^Config\.OnBuild is/],
    ['ENTRYPOINT', { Entrypoint: ['/bin/sh', '-c', 'x'] }, /^Config\.Entrypoint is/],
    ['no ENTRYPOINT', { Entrypoint: null }, /^Config\.Entrypoint is/],
    ['CMD', { Cmd: ['--check'] }, /^Config\.Cmd is/],
    ['USER', { User: '0:0' }, /^Config\.User is/],
    ['no USER', { User: '' }, /^Config\.User is/],
    ['WORKDIR', { WorkingDir: '/proc/self/fd/8' }, /^Config\.WorkingDir is/],
    ['EXPOSE', { ExposedPorts: { '80/tcp': {} } }, /^Config\.ExposedPorts is/],
    ['STOPSIGNAL', { StopSignal: 'SIGKILL' }, /^Config\.StopSignal is/],
    ['a key of a later engine', { FutureKey: { on: true } }, /^Config\.FutureKey is/],
  ])('%s is refused', (_name, config, message) => {
    expect(judge(config)).toEqual([expect.stringMatching(message)]);
  });
});

describe('variables', () => {
  test.each([
    'NODE_OPTIONS=--require=/evil.js',
    'LD_PRELOAD=/evil.so',
    'NVIDIA_VISIBLE_DEVICES=all',
    'GIT_SSH_COMMAND=x',
    'JAVA_HOME=/opt/java',
    'path=/evil',
    'EMPTY',
  ])('S043 %s is refused, whatever it is for', (variable) => {
    expect(judge({ Env: [`PATH=${ownPath}`, variable] })).toEqual([
      expect.stringMatching(/^Env has .*may set no variable and change none but PATH/),
    ]);
  });

  test('one of the profile that is changed or missing is refused', () => {
    const own = {
      ...exampleImage,
      config: { ...exampleImage.config, Env: [`PATH=${ownPath}`, 'NODE_ENV=production'] },
    };
    const image = (Env: string[]) => findUnfitness(own, workspaceImage('app', { Env }), 'app');
    expect(image([`PATH=${ownPath}`, 'NODE_ENV=production'])).toEqual([]);
    expect(image([`PATH=${ownPath}`, 'NODE_ENV=development'])).toEqual([expect.stringMatching(/^Env has/)]);
    expect(image([`PATH=${ownPath}`])).toEqual([expect.stringMatching(/^Env is/)]);
  });

  test.each([`/opt/java/bin:${ownPath}`, `${ownPath}:/node_modules/.bin`, `/a:${ownPath}:/b`])(
    'PATH may have further folders: %s',
    (path) => {
      expect(judge({ Env: [`PATH=${path}`] })).toEqual([]);
    },
  );

  test.each([
    ['/opt/java/bin', /does not hold/],
    ['/usr/local/bin:/opt:/usr/bin:/bin', /does not hold/],
    [`/workspace/bin:${ownPath}`, /no folder of the image's own/],
    [`/workspace:${ownPath}`, /no folder of the image's own/],
    [`/opt/../tmp/x:${ownPath}`, /no folder of the image's own/],
    [`${ownPath}:`, /no folder of the image's own/],
    [`.:${ownPath}`, /no folder of the image's own/],
    [`//tmp:${ownPath}`, /no folder of the image's own/],
  ])('PATH %s is refused', (path, message) => {
    expect(judge({ Env: [`PATH=${path}`] })).toEqual([expect.stringMatching(message)]);
  });

  test.each([[null], [[]], [['PATH=/a', 'PATH=/b']], ['PATH=/a'], [[`PATH=${ownPath}`, 1]]])(
    'an environment %j is not understood',
    (Env) => {
      expect(judge({ Env })).toEqual([expect.stringMatching(/no list with one PATH/)]);
    },
  );
});
