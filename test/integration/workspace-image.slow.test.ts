import { Profile, Sandbox } from '@countersign/contracts/launcher-api.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ImageGround } from '../support/image-ground.ts';
import { docker, imageTag, sandboxImage, startLauncher } from '../support/launcher-fixture.ts';

const profiles = `version: 1
profiles:
  default: {image: countersign/sandbox, runtime: runc, memory_mb: 512, cpus: 2, pids: 128, workspace_mb: 128, tmp_mb: 64}
`;
const derived = `ARG COUNTERSIGN_SANDBOX\nFROM \${COUNTERSIGN_SANDBOX}\n`;

let launcher: Awaited<ReturnType<typeof startLauncher>>;
let ground: ImageGround;
beforeAll(async () => {
  launcher = await startLauncher(profiles);
  ground = await ImageGround.make();
});
afterAll(async () => {
  await launcher[Symbol.asyncDispose]();
  await ground[Symbol.asyncDispose]();
});

const profileFor = (workspace: string) =>
  launcher.client.request('GET', `/profiles/default?workspace=${workspace}`, Profile);

/** A sandbox as the runner asks for one, removed afterwards; `run` is a shell's line in its checkout. */
async function inSandbox(
  workspace: string | null,
  archive: Uint8Array,
  use: (sandbox: SandboxAtWork) => Promise<void>,
) {
  const slot = await launcher.makeSlot();
  const started = await launcher.client.request('POST', '/sandboxes', Sandbox, {
    body: { profile: 'default', slot, workspace },
  });
  const container = `${launcher.project}-sandbox-${slot}`;
  const run = async (line: string, input?: Uint8Array) => {
    const args = ['exec', '-i', '-e', 'HOME=/tmp', '-w', '/workspace', container, 'sh', '-c', line];
    const { exitCode, all } = await execa('docker', args, {
      reject: false,
      all: true,
      input: input ?? new Uint8Array(),
    });
    return { exitCode, printed: all };
  };
  expect(await run('tar -x', archive)).toMatchObject({ exitCode: 0 });
  await use({ image: started.image, container, run });
  await launcher.client.request('DELETE', `/sandboxes/${slot}`, null);
}
type SandboxAtWork = {
  readonly image: string;
  readonly container: string;
  readonly run: (line: string) => Promise<{ exitCode: number | undefined; printed: string }>;
};

async function archiveOf(folder: string): Promise<Uint8Array> {
  return (await execa('git', ['archive', 'HEAD'], { cwd: folder, encoding: 'buffer' })).stdout;
}

describe('a real project with a lock file', () => {
  let workspace = '';
  let folder = '';
  let id = '';
  beforeAll(async () => {
    workspace = ground.name('Node_Project');
    folder = await ground.repository(workspace, {}, 'node-project');
    await ground.write(folder, { '.env': 'TOKEN=canary-of-the-operator\n' });
    const built = await ground.countersign('image', workspace, '--json');
    expect(built, built.stderr).toMatchObject({ exitCode: 0 });
    const answer = JSON.parse(built.stdout.split('\n').at(-1) ?? '');
    expect(answer).toEqual({ workspace, image: ground.imageOf(workspace), id: expect.stringMatching(/^sha256:/) });
    id = answer.id;
  });

  test('npm test passes in its image, without a network and on a read-only root', async () => {
    expect(await profileFor(workspace)).toMatchObject({ toolchain: 'workspace', image: id });
    await inSandbox(workspace, await archiveOf(folder), async ({ image, container, run }) => {
      expect(image).toBe(id);
      const tested = await run('npm test');
      expect(tested).toMatchObject({ exitCode: 0, printed: expect.stringMatching(/pass 1\b[\s\S]*fail 0\b/) });
      expect((await run('touch /node_modules/x')).exitCode).not.toBe(0);
      const [{ HostConfig, NetworkSettings, Mounts }] = JSON.parse(await docker('inspect', container));
      expect(HostConfig).toMatchObject({ NetworkMode: 'none', ReadonlyRootfs: true, CapDrop: ['ALL'] });
      expect(Object.keys(NetworkSettings.Networks)).toEqual(['none']);
      expect(Mounts).toHaveLength(2);
    });
  });

  test('it fails in the own image, which has none of its packages', async () => {
    await inSandbox(null, await archiveOf(folder), async ({ image, run }) => {
      expect(image).not.toBe(id);
      expect(await run('npm test')).toMatchObject({
        exitCode: 127,
        printed: expect.stringMatching(/semver: not found/),
      });
    });
  });

  test('S070 what was not committed is not in it, nor is what the build was given', async () => {
    const flags = ['--rm', '--network=none', '--user=0:0', '--entrypoint=sh'];
    const search = 'grep -rl canary-of-the-operator / --exclude-dir=proc --exclude-dir=sys; ls -a / /run/secrets';
    const printed = await docker('run', ...flags, id, '-c', `${search} 2>/dev/null || :`);
    expect(printed).toMatch(/^node_modules$/m);
    expect(printed).not.toMatch(/\.env|^\/(?!$|:)|^ca$/m);
  });

  test('building it again keeps its name on one image and leaves no drafts', async () => {
    expect(await ground.countersign('image', workspace)).toMatchObject({
      exitCode: 0,
      stdout: `${ground.imageOf(workspace)} is ready: tasks of workspace ${workspace} run in it from now on.`,
    });
    expect(await ground.tags(workspace)).toEqual([imageTag]);
  });

  test('a Dockerfile that is refused leaves the image of before, and no drafts', async () => {
    const before = (await profileFor(workspace)).image;
    await ground.commit(folder, { '.project/Dockerfile': `${derived}ENV NODE_OPTIONS=--require=/evil.js\n` });
    expect((await ground.countersign('image', workspace)).exitCode).toBe(1);
    expect((await profileFor(workspace)).image).toBe(before);
    expect(await ground.tags(workspace)).toEqual([imageTag]);
  });
});

describe('what a Dockerfile says of the container', () => {
  test('USER, WORKDIR, ENTRYPOINT, CMD, HEALTHCHECK and set-user-id files come to nothing', async () => {
    const workspace = ground.name('tricks');
    await ground.repository(workspace, {
      '.project/Dockerfile': [
        derived,
        'USER root',
        'RUN cp /bin/true /opt/raised && chmod 6755 /opt/raised',
        'SHELL ["/bin/false"]',
        'WORKDIR /opt',
        'HEALTHCHECK CMD ["/opt/raised"]',
        'ENV PATH=/opt/bin:$PATH',
        'ENTRYPOINT ["/opt/raised"]',
        'CMD ["--evil"]',
        '',
      ].join('\n'),
    });
    const built = await ground.countersign('image', workspace);
    expect(built, built.stderr).toMatchObject({ exitCode: 0 });
    const [own] = JSON.parse(await docker('image', 'inspect', sandboxImage));
    const [{ Id, Config }] = JSON.parse(await docker('image', 'inspect', ground.imageOf(workspace)));
    for (const key of ['User', 'WorkingDir', 'Entrypoint', 'Cmd', 'Volumes', 'OnBuild', 'ExposedPorts'])
      expect([key, Config[key] ?? null]).toEqual([key, own.Config[key] ?? null]);
    expect(Config.Healthcheck).toEqual({ Test: ['NONE'] });
    const raised = 'find / -xdev -perm /6000 -not -type l; stat -c %a /opt/raised';
    expect(await docker('run', '--rm', '--network=none', '--user=0:0', '--entrypoint=sh', Id, '-c', raised)).toBe(
      '755',
    );
    expect(await profileFor(workspace)).toMatchObject({ toolchain: 'workspace', image: Id });
  });

  test.each([
    ['S007 VOLUME', `${derived}VOLUME /data\n`, /Config\.Volumes/],
    ['EXPOSE', `${derived}EXPOSE 80\n`, /Config\.ExposedPorts/],
    ['ENV', `${derived}ENV LD_PRELOAD=/evil.so\n`, /Env has .*LD_PRELOAD/],
    ['PATH of the checkout', `${derived}ENV PATH=/workspace/bin:$PATH\n`, /PATH has .*\/workspace\/bin/],
    ['a label for another program', `${derived}LABEL ofelia.enabled=true\n`, /ofelia/],
    ["another workspace's label", `${derived}LABEL countersign.sandbox=x\n`, /countersign\.sandbox/],
    ['an image without a system', `${derived}FROM scratch\nCOPY --from=0 /etc /etc\n`, /could not be closed/],
    ['an agent that is gone', `${derived}USER 0:0\nRUN rm -r /app/agent\n`, /agent does not run/],
    ['a build that fails', `${derived}RUN exit 3\n`, /could not be built/],
    ['no word of the sandbox', 'FROM debian:bookworm\n', /does not derive from the sandbox/],
  ])('%s is refused with the reason, and no image is named', async (name, dockerfile, reason) => {
    const workspace = ground.name(`refused-${name.replace(/[^a-z]+/gi, '-')}`);
    await ground.repository(workspace, { '.project/Dockerfile': dockerfile });
    const answer = await ground.countersign('image', workspace);
    expect(answer).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(reason) });
    expect(await ground.tags(workspace)).toEqual([]);
    expect(await profileFor(workspace)).toMatchObject({ toolchain: 'own' });
  });
});

describe('what is sent to the build', () => {
  test('S072 S077 the commit itself: no filter runs, no attribute leaves anything out', async () => {
    const workspace = ground.name('filters');
    const folder = await ground.repository(workspace, {
      '.gitattributes': 'kept.txt export-ignore\n* filter=evil\n',
      'kept.txt': 'kept\n',
      '.project/Dockerfile': `${derived}COPY kept.txt /opt/\n`,
    });
    await ground.git(folder, 'config', 'filter.evil.smudge', `touch ${ground.home}/ran; cat`);
    await ground.git(folder, 'config', 'core.fsmonitor', `touch ${ground.home}/ran`);
    const built = await ground.countersign('image', workspace);
    expect(built, built.stderr).toMatchObject({ exitCode: 0 });
    const flags = ['--rm', '--network=none', '--entrypoint=cat'];
    expect(await docker('run', ...flags, ground.imageOf(workspace), '/opt/kept.txt')).toBe('kept');
    expect((await execa('ls', [ground.home])).stdout).toBe('workspaces');
  });

  test('of several repositories each in a folder of its name, and the Dockerfile beside them', async () => {
    const workspace = ground.name('several');
    for (const name of ['api', 'web']) await ground.repository(`${workspace}/${name}`, { [`${name}.txt`]: name });
    await ground.write(ground.folder(workspace), {
      '.project/Dockerfile': `${derived}COPY api/api.txt web/web.txt /opt/\n`,
    });
    const built = await ground.countersign('image', workspace);
    expect(built, built.stderr).toMatchObject({ exitCode: 0 });
    const flags = ['--rm', '--network=none', '--entrypoint=cat'];
    expect(await docker('run', ...flags, ground.imageOf(workspace), '/opt/api.txt', '/opt/web.txt')).toBe('apiweb');
  });

  test('a workspace that is missing, empty, linked or without a Dockerfile is refused with what to do', async () => {
    const workspace = ground.name('empty');
    const image = (name: string) => ground.countersign('image', name);
    expect(await image(workspace)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/there is no workspace/),
    });
    const folder = await ground.repository(workspace, { 'read.me': 'x' });
    await ground.write(folder, { '.project/Dockerfile': derived });
    expect(await image(workspace)).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/no committed/) });
    await execa('ln', ['-s', folder, ground.folder('linked')]);
    expect(await image('linked')).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/symbolic link/) });
    for (const name of ['../app', '-x', 'a b', '$(touch ran)', ''])
      expect(await ground.countersign('image', name)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('an image that the script did not make', () => {
  const from = `FROM ${sandboxImage}\n`;

  test.each([
    ['of another workspace', `${from}LABEL countersign.workspace=other\n`, /Labels\.countersign\.workspace is "other"/],
    ['that derives from nothing', 'FROM scratch\nLABEL x=y\n', /does not derive/],
    ['with a volume', `${from}VOLUME /data\n`, /Config\.Volumes/],
    ['with what is to be done on building', `${from}ONBUILD RUN true\n`, /Config\.OnBuild/],
    ['with a variable', `${from}ENV LD_PRELOAD=/evil.so\n`, /LD_PRELOAD/],
    ['that runs something else', `${from}ENTRYPOINT ["/bin/sh"]\n`, /Config\.Entrypoint/],
    ['that runs as root', `${from}USER 0\n`, /Config\.User/],
  ])('S005 %s makes no sandbox, and is not replaced silently', async (name, dockerfile, reason) => {
    const workspace = ground.name(`made-${name.replace(/ /g, '-')}`);
    // A file's own label wins over one that stands before it.
    const input = dockerfile.replace('\n', `\nLABEL countersign.workspace=${workspace}\n`);
    await execa('docker', ['buildx', 'build', '--load', '--quiet', '--tag', ground.imageOf(workspace), '-'], { input });
    const refusal = { status: 422, body: { code: 'image-unfit', message: expect.stringMatching(reason) } };
    await expect(profileFor(workspace)).rejects.toMatchObject(refusal);
    const slot = await launcher.makeSlot();
    const body = { profile: 'default', slot, workspace };
    await expect(launcher.client.request('POST', '/sandboxes', Sandbox, { body })).rejects.toMatchObject(refusal);
    expect(await docker('ps', '-aq', '--filter', `label=countersign.project=${launcher.project}`)).toBe('');
  });
});
