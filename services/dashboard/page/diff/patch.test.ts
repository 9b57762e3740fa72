import { expect, test } from 'vitest';
import { firstLines, lineCount, patchFiles, readFilePatch } from './patch.ts';

const patch = `diff --git a/one.txt b/one.txt
index 1111111..2222222 100644
--- a/one.txt
+++ b/one.txt
@@ -1,2 +1,3 @@
 same
-diff --git a/fake b/fake
+\tnew \u202etxt
+<img src=x onerror=alert(1)>
diff --git a/two.txt b/two.txt
new file mode 100644
index 0000000..3333333
--- /dev/null
+++ b/two.txt
@@ -0,0 +1,1 @@
+two
`;

test('a line of content that looks like the head of a file is none', () => {
  expect(patchFiles(patch).map((piece) => piece.split('\n')[0])).toEqual([
    'diff --git a/one.txt b/one.txt',
    'diff --git a/two.txt b/two.txt',
  ]);
});

test('lines are inert, with their tabs', () => {
  const file = readFilePatch(patchFiles(patch)[0] ?? '');
  const contents = file?.hunks[0]?.changes.map(({ content }) => content);
  expect(contents).toEqual(['same', 'diff --git a/fake b/fake', '\tnew \\u{202e}txt', '<img src=x onerror=alert(1)>']);
});

test('what is no patch is nothing', () => {
  expect(readFilePatch('no patch')).toBeNull();
});

test('of a long file the first lines are shown', () => {
  const hunks = readFilePatch(patchFiles(patch)[0] ?? '')?.hunks ?? [];
  expect(lineCount(firstLines(hunks, 2))).toBe(2);
  expect(firstLines(hunks, 100)).toEqual(hunks);
});
