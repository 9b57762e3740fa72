import { expect, test } from 'vitest';
import { pathFlags } from './diff-flags-paths.ts';

test.each([
  ['package.json', 'package-script'],
  ['packages/a/package.json', 'package-script'],
  ['.npmrc', 'package-script'],
  ['.yarn/releases/yarn-4.0.0.cjs', 'package-script'],
  ['.envrc', 'environment-file'],
  ['.env.production', 'environment-file'],
  ['.tool-versions', 'environment-file'],
  ['Makefile', 'build-file'],
  ['GNUmakefile', 'build-file'],
  ['.vscode/tasks.json', 'editor-config'],
  ['.devcontainer/devcontainer.json', 'editor-config'],
  ['.devcontainer.json', 'editor-config'],
  ['.idea/workspace.xml', 'editor-config'],
  ['CLAUDE.md', 'agent-config'],
  ['docs/AGENTS.md', 'agent-config'],
  ['.mcp.json', 'agent-config'],
  ['.claude/settings.json', 'agent-config'],
  ['.cursor/rules/a.mdc', 'agent-config'],
  ['.cursorrules', 'agent-config'],
  ['.github/copilot-instructions.md', 'agent-config'],
  ['.project/specs/execution-plan.md', 'agent-config'],
  ['.project/Dockerfile', 'build-file'],
  ['.project/workspace.yaml', 'agent-config'],
  ['.github/workflows/ci.yml', 'ci'],
  ['.gitlab-ci.yml', 'ci'],
  ['Jenkinsfile', 'ci'],
  ['CODEOWNERS', 'ci'],
  ['.circleci/config.yml', 'ci'],
  ['.pre-commit-config.yaml', 'hook'],
  ['.husky/pre-commit', 'hook'],
  ['lefthook.yml', 'hook'],
  ['tools/hooks/post-checkout', 'hook'],
  ['pyproject.toml', 'build-file'],
  ['setup.py', 'build-file'],
  ['setup.cfg', 'build-file'],
  ['conftest.py', 'build-file'],
  ['build.rs', 'build-file'],
  ['.cargo/config.toml', 'build-file'],
  ['Dockerfile', 'build-file'],
  ['Dockerfile.dev', 'build-file'],
  ['docker-compose.override.yml', 'build-file'],
  ['compose.yaml', 'build-file'],
  ['vite.config.ts', 'build-file'],
  ['gradle/wrapper/gradle-wrapper.jar', 'build-file'],
  ['Directory.Build.props', 'build-file'],
  ['.gitattributes', 'git-attributes'],
  ['.lfsconfig', 'git-attributes'],
  ['.gitmodules', 'submodule'],
  ['vendor/x/HEAD', 'git-attributes'],
  ['package-lock.json', 'lockfile'],
  ['Cargo.lock', 'lockfile'],
  ['pnpm-lock.yaml', 'lockfile'],
  ['go.sum', 'lockfile'],
])('S081 %s is flagged, in any place and in any case', (path, flag) => {
  expect(pathFlags(path)).toContain(flag);
  expect(pathFlags(`deep/down/${path}`)).toContain(flag);
  expect(pathFlags(path.toUpperCase())).toContain(flag);
  expect(pathFlags(path.toLowerCase())).toContain(flag);
});

test('S081 a spelling that only a Mac takes for the name is flagged as well', () => {
  expect(pathFlags('.vs\u200ccode/tasks.json')).toContain('editor-config');
});

test.each([
  'src/main.ts',
  'README.md',
  'docs/guide.md',
  'src/package.ts',
  'my-package.json.md',
  'src/makefile-parser.ts',
  'test/fixtures/input.txt',
  'src/github/client.ts',
  'src/idea.ts',
  'environment.ts',
  'src/hooks/use-state.ts',
  'src/ci.ts',
  'x.env.ts',
])('%s has no flag', (path) => {
  expect(pathFlags(path)).toEqual([]);
});

test('no path takes long, however it is made', () => {
  const began = performance.now();
  for (const unit of ['.y', 'dockerfile.', 'a/', '.env.', 'compose.', '.rc', '..']) pathFlags(unit.repeat(50_000));
  expect(performance.now() - began).toBeLessThan(3_000);
});
