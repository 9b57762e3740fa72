import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { foldName } from './fold-name.ts';

/**
 * Files that act later on somebody's machine, by the form of their path. A `name` is the file's or one of its folders' in any
 * place: a file that a tool reads only at the top is flagged further down as well, for a workspace may begin there. `*` stands for
 * anything but `/`, and a name has one at most, so that no name takes long to compare; `.y*ml` means both of its spellings.
 */
const table: Readonly<Partial<Record<DiffFlag, string>>> = {
  ci: `.github/ .gitlab-ci.yml .gitlab-ci/ .gitlab/ .circleci/ .travis.yml jenkinsfile* *.jenkinsfile azure-pipelines*.y*ml
    .azure-pipelines/ .azuredevops/ bitbucket-pipelines.yml .drone.y*ml .drone.jsonnet .woodpecker* .woodpecker/ .buildkite/
    .forgejo/ .gitea/ appveyor.y*ml .appveyor.y*ml .semaphore/ .tekton/ .cirrus.y*ml .cirrus.star cloudbuild.y*ml buildspec.y*ml
    codefresh.y*ml .codefresh/ wercker.yml .teamcity/ codeowners renovate.json* .renovaterc* action.y*ml .mergify.yml`,
  hook: `.husky/ .huskyrc* husky.config.* lefthook.* .lefthook.* lefthook-local.* .lefthook/ .pre-commit-config.y*ml
    .pre-commit-hooks.y*ml .githooks/ githooks/ .git-hooks/ git-hooks/ .hooks/ .overcommit.yml .git-hooks.* simple-git-hooks.*
    .simple-git-hooks.* .lintstagedrc* lint-staged.config.* captainhook.json prek.toml applypatch-msg pre-applypatch post-applypatch
    pre-commit pre-merge-commit prepare-commit-msg commit-msg post-commit pre-rebase post-checkout post-merge pre-push
    pre-receive update post-receive post-update reference-transaction push-to-checkout pre-auto-gc post-rewrite
    sendemail-validate fsmonitor-watchman post-index-change proc-receive`,
  'editor-config': `.vscode/ *.code-workspace .idea/ *.iml .devcontainer/ .devcontainer.json .vs/ .fleet/ .zed/ .nvim/ .nvim.lua
    .nvimrc .vimrc .exrc .lvimrc .local.vim .vim/ .dir-locals.el .dir-locals-2.el *.sublime-project *.sublime-settings .editorconfig
    .theia/ .gitpod.yml .gitpod.dockerfile .settings/ .classpath .project .vscode-test* .helix/ .kakrc .kateproject .nova/
    devfile.y*ml .devfile.y*ml`,
  'agent-config': `claude.md claude.local.md agents.md agents.override.md agent.md gemini.md qwen.md warp.md crush.md copilot-instructions.md
    skill.md .claude/ .claude.json .claude-plugin/ .mcp.json mcp.json .mcp/ mcp.y*ml .cursor/ .cursorrules .cursorignore .windsurf/
    .windsurfrules .clinerules .clinerules/ .cline/ .aider* .codex/ .gemini/ .opencode/ opencode.json* .roo/ .roorules* .roomodes
    .continue/ .continuerc* .goose/ .goosehints .amazonq/ .kiro/ .junie/ .agent/ .agents/ .augment/ .augment-guidelines .trae/
    .qwen/ .crush/ crush.json .crush.json .kilocode/ .kilocodemodes .openhands/ .devin/ .factory/ .rules .rules/ .copilot/
    .prompts/ .project/ llms.txt`,
  'package-script': `package.json package.json5 package.y*ml .npmrc .yarnrc .yarnrc.yml .yarn/ .pnpmfile.* pnpmfile.* pnpm-workspace.y*ml
    bunfig.toml deno.json* composer.json node_modules/ pip.conf .pip/ .pypirc .condarc .gemrc .bundle/ nuget.config .swiftpm/`,
  'build-file': `makefile makefile.* gnumakefile bsdmakefile *.mk cmakelists.txt *.cmake cmakepresets.json justfile .justfile *.just
    taskfile.y*ml taskfile.*.y*ml dockerfile dockerfile.* *.dockerfile containerfile containerfile.* .dockerignore docker-compose*.y*ml
    compose.y*ml compose.*.y*ml docker-bake.* setup.py setup.cfg pyproject.toml conftest.py sitecustomize.py usercustomize.py *.pth
    tox.ini noxfile.py pytest.ini .pytest.ini pixi.toml requirements*.txt build.rs cargo.toml .cargo/ rust-toolchain* build.gradle*
    settings.gradle* init.gradle* gradle.properties gradlew gradlew.bat gradle/ mvnw mvnw.cmd .mvn/ pom.xml build.sbt *.sbt build.xml
    rakefile rakefile.rb *.rake gemfile *.gemspec .rspec .irbrc .pryrc meson.build meson_options.txt build.zig build.zig.zon build.bazel
    build workspace workspace.bazel module.bazel *.bzl .bazelrc .bazelversion configure configure.ac configure.in *.m4 *.gyp
    *.gypi *.csproj *.fsproj *.vbproj *.vcxproj *.props *.targets *.sln *.rsp dune dune-project *.cabal stack.y*ml setup.hs
    package.swift podfile fastfile fastlane/ *.podspec go.mod go.work mix.exs rebar.config build.boot project.clj deps.edn
    *.config.js *.config.cjs *.config.mjs *.config.ts *.config.cts *.config.mts .*rc .*rc.js .*rc.cjs .*rc.mjs .*rc.ts .*rc.json
    .*rc.y*ml gulpfile.* gruntfile.* jakefile* wscript sconstruct sconscript flake.nix default.nix shell.nix vagrantfile
    procfile* tiltfile skaffold.y*ml earthfile binding.gyp turbo.json nx.json lerna.json project.json install.sh
    bootstrap.sh phpunit.xml* codecept*.y*ml snapcraft.y*ml autogen.sh .mocharc* karma.conf.* .eslintrc* buf.gen.y*ml .air.toml
    .goreleaser.y*ml .golangci.y*ml magefile.go`,
  'environment-file': `.env .env.* *.env .envrc .direnv/ .tool-versions mise.toml .mise.toml mise.*.toml .mise/ .config/ .nvmrc
    .node-version .python-version .ruby-version .java-version .go-version .sdkmanrc .asdfrc .rvmrc devbox.json devenv.nix devenv.y*ml
    .bashrc .bash_profile .bash_aliases .profile .zshrc .zshenv .zprofile .zlogin .inputrc .pam_environment .ssh/ .netrc .curlrc
    .wgetrc .pythonrc .pythonstartup.py .autoenv* .in.env .envfile`,
  lockfile: `package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.y*ml bun.lock bun.lockb deno.lock cargo.lock poetry.lock uv.lock
    pdm.lock pipfile.lock pixi.lock conda-lock.yml gemfile.lock composer.lock go.sum go.work.sum mix.lock rebar.lock pubspec.lock
    podfile.lock cartfile.resolved package.resolved gradle.lockfile *.lockfile packages.lock.json paket.lock flake.lock conan.lock
    .terraform.lock.hcl chart.lock mise.lock devbox.lock module.bazel.lock stack.y*ml.lock cabal.project.freeze`,
  // A folder with `HEAD` and `config` in it is a repository to git, with settings that start programs.
  'git-attributes': '.gitattributes .gitmodules .lfsconfig .gitconfig .git-blame-ignore-revs head commondir',
  submodule: '.gitmodules',
};

const forms: readonly (readonly [DiffFlag, RegExp])[] = Object.entries(table).map(([flag, names]) => [
  flag as DiffFlag,
  new RegExp(`(?:^|/)(?:${names.trim().split(/\s+/).map(formOf).join('|')})`),
]);

function formOf(name: string): string {
  const literal = name.replaceAll('.y*ml', '.ya?ml').replace(/[.+]/g, '\\$&').replaceAll('*', '[^/]*');
  return name.endsWith('/') ? literal : `${literal}$`;
}

/** Pure: the flags that a path earns by itself, whatever the file holds. Letters' case does not count, as on a Mac. */
export function pathFlags(path: string): DiffFlag[] {
  const folded = path.split('/').map(foldName).join('/');
  return forms.filter(([, form]) => form.test(folded)).map(([flag]) => flag);
}
