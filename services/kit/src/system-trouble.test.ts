import { expect, test } from 'vitest';
import { isPassing, SystemTrouble } from './system-trouble.ts';

const systemError = (code: string) => Object.assign(new Error(`${code}: of the system`), { code });

test.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE'])('F21 F22 F23 %s passes', (code) => {
  expect(isPassing(systemError(code))).toBe(true);
  expect(isPassing(new SystemTrouble(code, 'no program could be started'))).toBe(true);
});

test('what is wrong with the work itself does not pass', () => {
  for (const error of [new Error('ENOSPC'), systemError('ENOENT'), systemError('EACCES'), 'EIO', null, { code: 'EIO' }])
    expect(isPassing(error)).toBe(false);
});
