/** A keeper that cannot remember one client more: whoever typed is told that it was not typed, and may type again. */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { encodeApplied, encodeKeeperHello, encodeRefused, KEEPER_WIRE, ToKeeperDecoder } from '../../main/keeper/wire.ts';
import { type Engine, openEngine } from './engine.ts';

let engine: Engine;
beforeEach(() => {
  engine = openEngine();
});
afterEach(() => engine.dispose());

test('a unit that the keeper has not taken is refused in a sentence, and the next one runs', async () => {
  const session = 'crowded1';
  const stored = {
    ...{ id: session, name: 'crowded', command: ['sh'], cwd: '/', title: '', size: { cols: 80, rows: 24 } },
    ...{ createdAt: 1, endedAt: null, end: null, bootId: 'x' },
  };
  const hello = encodeKeeperHello({
    ...{ wire: KEEPER_WIRE, session, keeperPid: 1, shellPid: 1, start: 0, end: 0, cols: 80, rows: 24 },
    ...{ ledger: [], exit: null, meta: { nonce: null, stored }, note: '', features: ['urgent', 'drop', 'ending'] },
  });
  const typed: string[] = [];
  const keeper = createServer((host) => {
    const decoder = new ToKeeperDecoder();
    host.on('error', () => {}); // it is over
    host.on('data', (bytes) => {
      for (const message of decoder.push(bytes)) {
        if (message.kind === 'hello') host.write(hello);
        if (message.kind !== 'write' || message.client === '') continue;
        typed.push(Buffer.from(message.bytes).toString());
        const encode = typed.length === 1 ? encodeRefused : encodeApplied;
        host.write(encode(message.client, message.seq));
      }
    });
  });
  const socket = localPaths({ CMDOP_HOME: engine.home }).keeperSocket(session as never);
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  await new Promise<void>((listening) => keeper.listen(socket, listening));
  try {
    await engine.startHost();
    const ann = engine.person('ann');
    const view = ann.attach('crowded');
    const verdict = await view.type('first');
    expect(verdict).toMatchObject({ verdict: 'refused', message: expect.stringMatching(/^not typed: .* waits for its program already/) });
    expect(await view.type('second')).toMatchObject({ verdict: 'applied' });
    expect(typed).toEqual(['first', 'second']);
    const { events } = await ann.client.request('journal.list', { session: 'crowded', kinds: ['refused'] });
    expect(events[0]).toMatchObject({ actorName: 'ann', payload: { takenBack: true } });
  } finally {
    keeper.close();
  }
});
