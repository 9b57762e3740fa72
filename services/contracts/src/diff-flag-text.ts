import type { DiffFlag } from './diff-index.ts';

/** One line for people. */
export const flagText: Readonly<Record<DiffFlag, string>> = {
  'agent-config': 'tells coding agents what to do',
  'bidi-control': 'brings characters that change the order in which text is shown',
  binary: 'its lines are not in the patch: binary, or too large to be compared',
  'build-file': 'decides what runs when the project is built or tested',
  ci: 'runs on a build server, or says who has to review',
  'control-character': 'brings control characters, such as those that steer a terminal',
  'editor-config': 'is read by an editor, which may run what it names',
  'environment-file': 'is loaded into a shell, or chooses the versions of tools',
  'git-attributes': 'is read by git and changes what git does or shows',
  homoglyph: 'brings words that mix letters of scripts that look alike',
  hook: 'runs when git commits, checks out or pushes',
  'invisible-character': 'brings characters that show as nothing',
  'large-change': 'changes more than anybody reads line by line',
  lockfile: 'chooses the exact packages that are installed',
  'long-line': 'brings a line longer than a screen shows',
  'mode-change': 'may be executed now, or not any more',
  'package-script': 'may run scripts when packages are installed, or says where they come from',
  'renamed-and-changed': 'was renamed and changed at once',
  submodule: 'brings in or takes out another repository',
  symlink: 'is or was a symbolic link',
  'whitespace-gap': 'brings text behind so much white space that it may lie beyond the edge',
};
