import { expect, test } from 'vitest';
import { parseInstruction } from './instruction.ts';

const hello = 'Hello from the rehearsal model.\n';

test.each([
  ['Create hello.txt with a message', { kind: 'create', path: 'hello.txt', content: hello }],
  ['create hello.txt', { kind: 'create', path: 'hello.txt', content: hello }],
  ['create hello.txt.', { kind: 'create', path: 'hello.txt', content: hello }],
  ['create hello.txt with hi', { kind: 'create', path: 'hello.txt', content: 'hi\n' }],
  ['create src/a.ts containing "one\\ntwo"', { kind: 'create', path: 'src/a.ts', content: 'one\ntwo\n' }],
  ['Create a file named LICENSE with the text free', { kind: 'create', path: 'LICENSE', content: 'free\n' }],
  ['create `my notes.md` saying `hi`', { kind: 'create', path: 'my notes.md', content: 'hi\n' }],
  ['write ../outside.txt with x', { kind: 'create', path: '../outside.txt', content: 'x\n' }],
  ['append "more" to hello.txt', { kind: 'append', path: 'hello.txt', text: 'more' }],
  ['replace "a" with "b" in hello.txt', { kind: 'edit', path: 'hello.txt', oldText: 'a', newText: 'b' }],
  ['edit hello.txt: replace "a" with ""', { kind: 'edit', path: 'hello.txt', oldText: 'a', newText: '' }],
  ['Run git status', { kind: 'run', command: 'git status' }],
  ['Run git status.', { kind: 'run', command: 'git status' }],
  ['run `ls .`', { kind: 'run', command: 'ls .' }],
  ['run ls .', { kind: 'run', command: 'ls .' }],
  [
    'run countersign-ask "Which port?" --option 80 > a.txt',
    { kind: 'run', command: 'countersign-ask "Which port?" --option 80 > a.txt' },
  ],
  ['ask "Which port?"', { kind: 'ask', question: 'Which port?', options: [], silence: undefined }],
  [
    'Ask "Which port?" offering "8080", `9090` by default "9090".',
    { kind: 'ask', question: 'Which port?', options: ['8080', '9090'], silence: '9090' },
  ],
  ['Generate a summary file', { kind: 'summarise', path: 'agent-summary.md' }],
  ['generate a summary', { kind: 'summarise', path: 'agent-summary.md' }],
  ['Write a short summary to notes.md', { kind: 'summarise', path: 'notes.md' }],
])('understands %j', (line, instruction) => {
  expect(parseInstruction(line)).toEqual(instruction);
});

test.each(['Think about the architecture', 'Run a simple agent workflow test.', 'Create tests', 'run', ''])(
  'does not pretend to understand %j',
  (line) => {
    expect(parseInstruction(line)).toBeUndefined();
  },
);
