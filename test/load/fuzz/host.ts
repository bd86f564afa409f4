/** Hostile bytes for a real host: from clients, from programs, from sockets that pretend to be keepers, and in its files. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { localPaths } from '#local/paths.ts';
import { encodeInput, encodeMessage, encodeOrigin, encodeStreamHeader, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Offset, Seq } from '#protocol/ids.ts';
import { EVENTS, METHODS } from '#protocol/messages.ts';
import { encodeKeeperHello, encodeOutputHeader, KEEPER_WIRE } from '../../../main/keeper/wire.ts';
import { below, bytesOf, cut, hostileJson, joined, KEYS, mutate, pick, type Random } from './mutate.ts';

/**
 * Of what any client may ask, this would end the host or what the test stands on: sessions made, ended, renamed or shut to
 * the person who looks on.
 */
const LEFT_OUT = new Set<string>(
  ['host.stop', 'host.handoff', 'web.open', 'policy.set', 'session.kick', 'role.set'].concat([
    'session.create',
    'session.restart',
    'session.kill',
    'session.remove',
    'session.rename',
  ]),
);
/** Asked with anything: every other method there is, the day it is made. */
const ASKED = [...Object.keys(METHODS).filter((method) => !LEFT_OUT.has(method)), 'no.such', '__proto__'];
const TOLD = Object.keys(EVENTS);

/** One connection: magic and hello, mostly right, then up to 30 frames, and its end, wherever that falls. */
export function hostileClient(random: Random, home: string): Promise<number> {
  const socket = connect(localPaths({ CMDOP_HOME: home }).hostSocket);
  const hello = encodeMessage({
    id: 1,
    method: 'hello',
    params: {
      protocol: { min: 1, max: 1 },
      client: { id: `hostile-${below(random, 5)}`, interface: 'cli', name: 'x\u202e', kind: pick(random, ['human', 'agent']), build: 'x' },
    },
  });
  const parts: Uint8Array[] = [random() < 0.95 ? MAGIC : mutate(random, MAGIC)];
  if (random() < 0.2) parts.push(frame(random));
  parts.push(random() < 0.8 ? hello : mutate(random, hello));
  const cases = 1 + below(random, 30);
  for (let left = cases; left > 0; left--) parts.push(frame(random));
  return new Promise((resolve) => {
    socket.on('error', () => {}); // the host ended it
    socket.on('close', () => resolve(cases));
    socket.resume();
    for (const part of cut(random, joined(...parts))) socket.write(part);
    if (random() < 0.5) socket.end();
    else setTimeout(() => socket.destroy(), below(random, 30));
  });
}

function frame(random: Random): Uint8Array {
  const numbers = [0, 1, 2, 3, 5, 9, 50, 2 ** 31, 2 ** 32 - 1];
  const seq = pick(random, [0, 1, 2, 3, 1000, 2 ** 40, Number.MAX_SAFE_INTEGER]) as Seq;
  const channel = pick(random, numbers) as Channel;
  switch (below(random, 11)) {
    case 10: {
      const bytes = bytesOf(random, below(random, 40));
      return joined(encodeStreamHeader(pick(random, numbers), bytes.length), bytes);
    }
    case 0:
      return encodeInput({ channel, epoch: pick(random, numbers) as Epoch, seq, bytes: bytesOf(random, below(random, 40)) });
    case 1:
      return encodeMessage({ event: 'output.ack', params: { channel, offset: pick(random, [0, 1, 1e9, Number.MAX_SAFE_INTEGER]) } });
    case 2:
      return encodeMessage({ id: below(random, 4), method: 'session.attach', params: { session: 'victim', have: pick(random, numbers) } });
    case 3:
      return mutate(random, encodeMessage({ id: 2, method: pick(random, ASKED), params: { session: 'victim', channel, limit: 5 } }));
    case 4:
      return raw(`{"id":${hostileJson(random)},"method":${JSON.stringify(pick(random, ASKED))},"params":${hostileJson(random)}}`);
    case 5: {
      const fields = Array.from({ length: 4 }, () => `${JSON.stringify(pick(random, KEYS))}:${hostileJson(random)}`);
      return raw(`{"id":3,"method":${JSON.stringify(pick(random, ASKED))},"params":{"session":"victim",${fields.join(',')}}}`);
    }
    case 6:
      return raw(hostileJson(random));
    case 7:
      return raw(`{"event":${JSON.stringify(pick(random, TOLD))},"params":${hostileJson(random)}}`);
    case 8: {
      const origin = encodeOrigin({ kind: 'ssh', from: 'x'.repeat(below(random, 9)) });
      return random() < 0.5 ? origin : mutate(random, origin);
    }
    default:
      return mutate(random, encodeInput({ channel, epoch: 1 as Epoch, seq, bytes: bytesOf(random, 10) }));
  }
}

function raw(json: string): Uint8Array {
  const body = Buffer.from(json);
  const head = Buffer.alloc(5);
  head.writeUInt32LE(body.length + 1);
  return joined(head, body);
}

/** Sockets where the next host looks for keepers. They say what no keeper says, as `claims`, or somebody else's session. */
export async function fakeKeepers(random: Random, home: string, claims: string): Promise<{ close(): void }> {
  const servers: Server[] = [];
  for (let n = 0; n < 3; n++) {
    const own = `fake${below(random, 1e9)}`;
    const hello = encodeKeeperHello({
      ...{ wire: KEEPER_WIRE, session: pick(random, [own, claims]), keeperPid: 1, shellPid: 1, start: 0, end: below(random, 2e9) },
      ...{ cols: 80, rows: 24, ledger: [], exit: null, note: Buffer.from(hostileJson(random)).toString('base64') },
      meta: { nonce: null, stored: pick<unknown>(random, [null, 5, { id: claims }, { id: own, name: 'x', size: { cols: 1e9, rows: 1 } }]) },
    });
    const output = joined(encodeOutputHeader(pick(random, [0, 2 ** 40, Number.MAX_SAFE_INTEGER]) as Offset, 20), bytesOf(random, 20));
    const answer = joined(random() < 0.5 ? hello : mutate(random, hello), random() < 0.5 ? output : mutate(random, output));
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (random() < 0.3) socket.end(bytesOf(random, 100));
      else socket.end(answer);
    });
    await new Promise<void>((listening) => server.listen(localPaths({ CMDOP_HOME: home }).keeperSocket(own), listening));
    servers.push(server);
  }
  return { close: () => servers.forEach((server) => void server.close()) };
}

/** Damages one to three files of a host that does not run; answers their names. */
export function damageFiles(random: Random, home: string): string[] {
  const state = join(home, 'state');
  const files = readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.includes('damaged') && !name.endsWith('.log'),
  );
  const chosen = Array.from({ length: 1 + below(random, 3) }, () => pick(random, files)).filter((name) =>
    statSync(join(state, name)).isFile(),
  );
  for (const name of chosen) writeFileSync(join(state, name), mutate(random, readFileSync(join(state, name))));
  return chosen;
}

/** Resident memory of a process, bytes. */
export function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}
