/** Hosts in the window: how sessions and hosts are named, what the app may tell, and when nobody is asked again. */
import { describe, expect, test } from 'vitest';
import { CmdopClient } from '#client/cmdop-client.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId, SessionId } from '#protocol/ids.ts';
import { appEvent } from '../../renderer/platform/app-events.ts';
import { hostOfKey, idOfKey, keyFrom, sessionKey } from '../../renderer/state/session-key.ts';
import { isHostName, isHostTooOld, linkIs } from '../../renderer/text/host-state.ts';

describe('a session is known by its host and id', () => {
  test.each(['local', 'devbox', 'ann@box:2222', 'ann@[::1]:22'])('on %s', (host) => {
    const key = sessionKey(host, 'bcdfghjkmn' as SessionId);
    expect([hostOfKey(key), idOfKey(key)]).toEqual([host, 'bcdfghjkmn']);
  });

  test('one kept before there were other hosts is of this machine', () => {
    expect(keyFrom('bcdfghjkmn')).toBe(sessionKey('local', 'bcdfghjkmn' as SessionId));
    expect(keyFrom('cmdop://devbox/x')).toBe('cmdop://devbox/x');
  });
});

describe('a host is named', () => {
  test.each(['devbox', 'ann@box', 'ann@box:2222'])('by %s', (name) => expect(isHostName(name)).toBe(true));
  test.each(['', '-oProxyCommand=x', 'two words', 'a\nb', 'cmdop://local/x', 'x'.repeat(300)])('but not by %j', (name) => {
    expect(isHostName(name)).toBe(false);
  });
});

test('a host that speaks only older protocols is offered a newer cmdop, one that is newer is not', () => {
  const mismatch = (host: number, client: number) =>
    new CmdopError('protocol-mismatch', 'no', { host: { min: 1, max: host }, client: { min: client, max: 9 } });
  expect([isHostTooOld(mismatch(1, 2)), isHostTooOld(mismatch(2, 1)), isHostTooOld(new CmdopError('unauthorized', 'no'))]).toEqual([
    ...[true, false, false],
  ]);
});

describe('what the app tells the page', () => {
  const question = { is: 'secret', id: 1, host: 'h', kind: 'password', prompt: 'Password', isEchoed: false, instruction: null };

  test('is taken where it is known', () => {
    expect(appEvent.safeParse({ is: 'question', question }).success).toBe(true);
    expect(appEvent.safeParse({ is: 'menu', command: 'add-host' }).success).toBe(true);
  });

  test.each([{ is: 'menu', command: 'format-disk' }, { is: 'question', question: { ...question, kind: 'credit card' } }, 'hello', null])(
    'is left alone elsewhere: %j',
    (event) => expect(appEvent.safeParse(event).success).toBe(false),
  );

  test('is bounded, whatever a server says', () => {
    const event = appEvent.parse({ is: 'question', question: { ...question, prompt: 'x'.repeat(100_000) } });
    expect(JSON.stringify(event).length).toBeLessThan(10_000);
  });
});

describe('a host that needs a person', () => {
  /** A client whose every attempt fails with `needs`, on a clock that runs all timers it is given when told to. */
  function failing(needs: string) {
    let attempts = 0;
    const timers = new Set<() => void>();
    const client = new CmdopClient({
      identity: { id: 'x'.repeat(16) as ClientId, interface: 'desktop', name: 'ann', build: 'test' },
      connect: async () => {
        attempts++;
        throw new CmdopError('unauthorized', 'no', { needs });
      },
      clock: {
        now: () => 0,
        wallNow: () => 0,
        after: (_ms, run) => {
          timers.add(run);
          return () => timers.delete(run);
        },
      },
      random: () => 0.5,
      isHeldBy: ({ data }) => data?.needs === 'person',
    });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    const passTime = async () => {
      for (const run of [...timers]) {
        timers.delete(run);
        run();
      }
      await settled();
    };
    return { client, passTime, settled, attempts: () => attempts };
  }

  test('is not asked again until somebody says so', async () => {
    const { client, passTime, settled, attempts } = failing('person');
    await settled();
    await passTime();
    expect([attempts(), linkIs(client.state)]).toEqual([1, 'held']);
    client.reconnectNow();
    await settled();
    expect([attempts(), linkIs(client.state)]).toEqual([2, 'held']);
    client.close();
  });

  test('while one that needs time is tried for ever', async () => {
    const { client, passTime, settled, attempts } = failing('time');
    await settled();
    for (let times = 0; times < 5; times++) await passTime();
    expect([attempts(), linkIs(client.state)]).toEqual([6, 'offline']);
    client.close();
  });
});
