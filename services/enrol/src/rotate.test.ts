import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { botUser } from './names.ts';
import type { WriteFile } from './secret-files.ts';
import { RotationGround, room } from './testing/rotation-ground.ts';

let ground: RotationGround;
beforeEach(async () => {
  ground = await RotationGround.make();
});
afterEach(() => ground[Symbol.asyncDispose]());

const alive = () => [...ground.account.sessions.keys()];

describe('on the stack’s own Synapse', () => {
  test('A30 the listener gets another token, and the one before is worth nothing', async () => {
    const seen: boolean[] = [];
    ground.listen(seen);
    expect(await ground.rotate()).toEqual({ bot: botUser, listener: 'uses-it', ended: 1 });
    const { bot } = ground;
    expect(bot).toEqual({ MATRIX_BOT_USER: botUser, MATRIX_BOT_TOKEN: expect.any(String), MATRIX_ROOM_ID: room });
    expect(bot.MATRIX_BOT_TOKEN).not.toBe(ground.first);
    expect(alive()).toEqual([bot.MATRIX_BOT_TOKEN]);
    expect(await ground.left()).toEqual([]);
    // At no time did the file hold what does not count.
    expect(seen).not.toContain(false);
    expect(ground.said.join('\n')).not.toContain('syt_');
  });

  test('A30 sessions that nobody has noted end as well, and those of others do not', async () => {
    ground.account.logIn();
    ground.account.logIn();
    const operator = ground.account.logIn('@operator:countersign.local');
    expect((await ground.rotate(null, false)).ended).toBe(3);
    expect(alive()).toEqual([operator, ground.bot.MATRIX_BOT_TOKEN]);
  });

  test('A32 a token that does not count any more is replaced', async () => {
    ground.account.sessions.clear();
    expect(await ground.rotate(null, false)).toMatchObject({ ended: 0 });
    expect(alive()).toEqual([ground.bot.MATRIX_BOT_TOKEN]);
  });

  test('done again it does it again', async () => {
    await ground.rotate(null, false);
    const second = ground.bot.MATRIX_BOT_TOKEN;
    await ground.rotate(null, false);
    expect(alive()).toEqual([ground.bot.MATRIX_BOT_TOKEN]);
    expect([ground.first, second]).not.toContain(ground.bot.MATRIX_BOT_TOKEN);
  });

  test('a listener that does not run is said not to', async () => {
    await writeFile(
      join(ground.config.listenerLogs, 'health.json'),
      JSON.stringify({
        service: 'matrix-listener',
        status: 'ok',
        reason: '',
        ts: '2026-11-20T10:00:00.000Z',
        started_at: '2026-11-20T10:00:00.000Z',
      }),
    );
    expect(await ground.rotate()).toEqual({ bot: botUser, listener: 'not-running', ended: 1 });
    expect(ground.said).toContain('the listener does not run: it will use it when it starts');
  });

  test('A30 the one before counts until the listener gets in with the new one, and only one is replaced at a time', async () => {
    ground.isPrompt = false;
    ground.listen();
    const rotation = ground.rotate();
    await expect.poll(() => ground.said).toContain('the listener has it in its file');
    await expect(ground.rotate()).rejects.toThrow('Another rotation of the token is under way: wait for its end.');
    expect(alive()).toEqual([ground.first, ground.bot.MATRIX_BOT_TOKEN]);
    ground.isPrompt = true;
    expect(await rotation).toMatchObject({ listener: 'uses-it', ended: 1 });
    expect(alive()).toEqual([ground.bot.MATRIX_BOT_TOKEN]);
  });

  test('A32 what somebody else writes into the file meanwhile is not ended', async () => {
    ground.isPrompt = false;
    ground.listen();
    const rotation = ground.rotate();
    await expect.poll(() => ground.said).toContain('the listener has it in its file');
    const byHand = ground.account.logIn();
    await ground.writeBot(byHand);
    ground.isPrompt = true;
    await expect(rotation).rejects.toThrow('Somebody has written matrix-bot.env meanwhile');
    expect(alive()).toContain(byHand);
    await ground.rotate();
    expect(alive()).toEqual([ground.bot.MATRIX_BOT_TOKEN]);
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'no token yet',
      () => rm(join(ground.config.listenerSecrets, 'matrix-bot.env')),
      /There is no token yet[\s\S]*scripts\/up/,
    ],
    ['no password', () => rm(join(ground.config.secrets, 'bot.password')), /bot\.password is not the password/],
    [
      'another password',
      () => writeFile(join(ground.config.secrets, 'bot.password'), 'not-it\n'),
      /bot\.password is not the password[\s\S]*scripts\/up/,
    ],
    ['a bot of another homeserver', () => ground.writeBot('syt_mine', '@bot:mac-studio'), /@bot:mac-studio, who is no/],
    [
      'a homeserver that fails',
      async () => {
        ground.account.fate = () => ({ status: 502, body: {} });
      },
      /Synapse failed at POST \/login: 502\. When that has passed, run scripts\/countersign rotate-bot-token again\./,
    ],
    [
      'a homeserver that allows no more',
      async () => {
        ground.account.fate = () => ({
          status: 429,
          body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 290_500 },
        });
      },
      /allows no more \/login for 291 s: run scripts\/countersign rotate-bot-token again then/,
    ],
    ['no homeserver', () => ground.account[Symbol.asyncDispose](), /does not answer: [\s\S]* scripts\/up/],
  ])('A32 with %s nothing is changed, and the next step is said', async (_what, spoil, words) => {
    await spoil();
    await expect(ground.rotate()).rejects.toThrow(words);
    await expect(ground.rotate()).rejects.not.toThrow(/syt_|the-password/);
    expect(ground.account.sessions.has(ground.first)).toBe(true);
    expect(await ground.left()).toEqual([]);
  });
});

/** A rotation that dies at one of its steps, requests and files alike. Whether it came so far. */
async function diesAt(step: number, side: 'before' | 'after', given: string | null = null): Promise<boolean> {
  let steps = 0;
  const isLast = () => {
    steps += 1;
    return steps === step;
  };
  ground.account.fate = () => {
    if (steps >= step) return 'lost';
    if (!isLast()) return null;
    return side === 'before' ? 'lost' : 'unanswered';
  };
  const write: WriteFile = async (...args) => {
    const dies = isLast();
    if (dies && side === 'before') throw new Error('killed');
    await writeFileAtomic(...args);
    if (dies) throw new Error('killed');
  };
  const ended = await ground.rotate(given, false, write).then(
    () => true,
    () => false,
  );
  ground.account.fate = () => null;
  return !ended;
}

test.each(['before', 'after'] as const)(
  'A30 killed %s any of its steps, it leaves a token that counts, and the next run ends all others',
  async (side) => {
    let step = 0;
    ground.account.logIn();
    for (; await diesAt(step + 1, side); step += 1) {
      // Whatever was on the disk when it died, the listener can get in with.
      expect([step, ground.account.sessions.has(ground.bot.MATRIX_BOT_TOKEN)]).toEqual([step, true]);
      const stolen = ground.bot.MATRIX_BOT_TOKEN;
      await ground.rotate(null, false);
      expect([step, alive()]).toEqual([step, [ground.bot.MATRIX_BOT_TOKEN]]);
      expect(ground.bot.MATRIX_BOT_TOKEN).not.toBe(stolen);
      expect(await ground.left()).toEqual([]);
      // One that nobody knows of, so that there is always something to sweep.
      ground.account.logIn();
    }
    expect(step).toBe(7);
  },
);

test('A30 killed again and again, it forgets no token that it has noted', async () => {
  const before: string[] = [];
  for (const step of [3, 3, 4, 3, 4]) {
    before.push(ground.bot.MATRIX_BOT_TOKEN);
    expect(await diesAt(step, 'after')).toBe(true);
  }
  const noted = (await readFile(join(ground.config.secrets, 'superseded.tokens'), 'utf8')).trimEnd().split('\n');
  expect(noted).toEqual([...new Set(before)]);
  await ground.rotate(null, false);
  expect(alive()).toEqual([ground.bot.MATRIX_BOT_TOKEN]);
});

describe('at a homeserver of the operator’s', () => {
  const user = '@bot:mac-studio';
  beforeEach(async () => {
    await ground[Symbol.asyncDispose]();
    ground = await RotationGround.make(user);
  });

  test('A30 the given token takes the place of the one before, through the gateway’s door and by three requests', async () => {
    ground.listen();
    const elsewhere = ground.account.logIn(user);
    const given = ground.account.logIn(user);
    expect(await ground.rotate(given)).toEqual({ bot: user, listener: 'uses-it', ended: 1 });
    expect(ground.bot).toEqual({ MATRIX_BOT_USER: user, MATRIX_BOT_TOKEN: given, MATRIX_ROOM_ID: room });
    // What the operator has elsewhere is nobody's business here.
    expect(alive()).toEqual([elsewhere, given]);
    expect(new Set(ground.account.asked)).toEqual(new Set(['GET /account/whoami', 'POST /logout']));
    expect(await ground.left()).toEqual([]);
  });

  test.each(['before', 'after'] as const)(
    'A30 killed %s any of its steps, the same command again brings it to its end',
    async (side) => {
      let given = ground.account.logIn(user);
      let step = 0;
      for (; await diesAt(step + 1, side, given); step += 1) {
        expect([step, ground.account.sessions.has(ground.bot.MATRIX_BOT_TOKEN)]).toEqual([step, true]);
        await ground.rotate(given, false).catch((error: Error) => {
          // Only where nothing was left to be done.
          if (!error.message.includes('of the session that the listener uses already')) throw error;
        });
        expect([step, alive(), ground.bot.MATRIX_BOT_TOKEN]).toEqual([step, [given], given]);
        expect(await ground.left()).toEqual([]);
        given = ground.account.logIn(user);
      }
      expect(step).toBe(5);
    },
  );

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ['nothing', () => '', /no access token/],
    ['two words', () => 'syt_a syt_b', /no access token/],
    ['a token that is not known', () => 'syt_no_such', /does not know this token: log the bot in once more/],
    ['a token of somebody else', () => ground.account.logIn('@alice:mac-studio'), /a token of @alice:mac-studio/],
    ['the token itself', () => ground.first, /log the bot in once more, as another device/],
    [
      'a token of the same device',
      () => {
        ground.account.sessions.set('syt_same', { user, device: 'DEVICE1' });
        return 'syt_same';
      },
      /log the bot in once more, as another device/,
    ],
    [
      'a door that leads nowhere',
      () => {
        const body = { errcode: 'COUNTERSIGN_ADDRESS', error: 'mac-studio does not resolve\u001b[2J' };
        ground.account.fate = () => ({ status: 503, body });
        return 'syt_x';
      },
      /Your homeserver failed at GET \/account\/whoami: 503 \(mac-studio does not resolve\\u\{1b\}\[2J\)/,
    ],
    [
      'no gateway',
      async () => {
        await ground.account[Symbol.asyncDispose]();
        return 'syt_x';
      },
      /The gateway does not answer: [\s\S]*Start the stack with scripts\/up/,
    ],
  ])('A32 with %s nothing is changed, and the next step is said', async (_what, give, words) => {
    const rotation = ground.rotate(await give(), false);
    await expect(rotation).rejects.toThrow(words);
    await expect(rotation).rejects.not.toThrow(/syt_/);
    expect(ground.account.sessions.has(ground.first)).toBe(true);
    expect(ground.bot.MATRIX_BOT_TOKEN).toBe(ground.first);
    expect(await ground.left()).toEqual([]);
  });
});
