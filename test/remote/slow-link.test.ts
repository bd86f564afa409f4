/**
 * Typing over a slow link on which a forwarded connection and a file take all they can get: real sshd, real sockets, a
 * network of 256 kB/s and a round trip of 40 ms. And which link it is that further streams go over.
 */
import { randomBytes } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { download, upload } from '#client/files/transfer.ts';
import { Forward } from '#local/forward.ts';
import { nodeHash } from '#local/node-hash.ts';
import type { Asker } from '../../main/remote/asker.ts';
import { reach } from '../../main/remote/reach.ts';
import { type LightClient, type LightView, lightClient } from '../process/load/light-client.ts';
import { quantile } from '../process/load/typists.ts';
import { serverCommand, socketTo } from '../process/port-world.ts';
import { type Far, startFar } from './far.ts';
import { type Network, startNetwork } from './network.ts';
import { type ClientFolder, clientFolder } from './sshd.ts';

const RATE = 256_000;
const ONE_WAY_MS = 20;
const FILE_BYTES = 256 * 1024 * 1024;
const KEYS = 20;
/** What both have got before keys are typed, bytes: their beginning is no state. */
const SETTLED_BYTES = 300_000;
/** A quiet machine stays below 0.3 s and the round trip; this one may be busy. */
const ECHO_MS = 500;

let far: Far;
let network: Network;
let ssh: ClientFolder;
let ann: LightClient;
let cat: LightView;
const home = process.env.CMDOP_HOME;
const ask: Asker = { hostKey: async () => false, secret: async () => null, notice: () => {} };
beforeAll(async () => {
  far = await startFar();
  network = await startNetwork(far.sshd.port);
  const knownHostsLines = far.sshd.knownHostsLines.map((line) => line.replace(`:${far.sshd.port} `, `:${network.port} `));
  ssh = clientFolder({ ...far.sshd, port: network.port, knownHostsLines }, { name: 'far' });
  process.env.CMDOP_HOME = ssh.folder;
  ann = lightClient(far.home, 'ann', { connect: () => reach('far', { ask, start: true, configFile: ssh.configFile }) });
  await ann.client.request('session.create', { name: 'cat', command: ['/bin/sh', '-c', 'stty raw -echo; echo; exec cat'], cwd: '/' });
  cat = ann.attach('cat', { isNumbered: false });
  await ann.until(() => cat.offset > 0);
  network.setRate(RATE);
  network.setDelay(ONE_WAY_MS);
});
afterAll(async () => {
  if (home === undefined) delete process.env.CMDOP_HOME;
  else process.env.CMDOP_HOME = home;
  ann.close();
  network.dispose();
  await far.dispose();
  rmSync(ssh.folder, { recursive: true, force: true });
});

/** From a key to its echo, milliseconds, the shortest first. */
async function echoes(): Promise<number[]> {
  const took: number[] = [];
  for (let key = 0; key < KEYS; key++) {
    const { bytes } = cat;
    const from = performance.now();
    void cat.stream.type(Buffer.from('k'));
    await ann.until(() => cat.bytes > bytes);
    took.push(performance.now() - from);
  }
  return took.sort((a, b) => a - b);
}

async function forwarded(name: string, body: string): Promise<{ socket: Socket; close: () => void }> {
  await ann.client.request('session.create', { name, command: serverCommand('net', body), cwd: '/' });
  const find = async () => (await ann.client.request('ports.list', { session: name })).ports[0]?.port ?? 0;
  await expect.poll(find, { timeout: 10_000 }).toBeGreaterThan(0);
  const opened = await Forward.open({ client: ann.client, session: name, port: await find() });
  const socket = await socketTo(opened.localPort);
  socket.on('error', () => {}); // it is cut in the end
  return { socket, close: () => opened.close() };
}

test.each(['to us', 'from us'])(
  'keys are echoed soon while a forwarded connection and a file flood %s',
  { timeout: 60_000 },
  async (way) => {
    const isHere = way === 'to us';
    const name = isHere ? 'down' : 'up';
    const flood = `const piece = Buffer.alloc(65536, 1); const go = () => { while (socket.write(piece)); }; socket.on('drain', go); go();`;
    const { socket, close } = await forwarded(name, isHere ? flood : 'socket.resume()');
    let flooded = 0;
    if (isHere) socket.on('data', (bytes: Buffer) => (flooded += bytes.length));
    else {
      const piece = randomBytes(64 * 1024);
      const go = () => {
        while (!socket.destroyed && socket.write(piece)) flooded += piece.length;
      };
      socket.on('drain', go);
      go();
    }
    const given = new AbortController();
    let copied = 0;
    const file = join(far.home, `file-${name}`);
    const of = { client: ann.client, session: 'cat', path: file, newHash: nodeHash, signal: given.signal };
    const progress = (doneBytes: number) => {
      copied = doneBytes;
    };
    let copying: Promise<unknown>;
    if (isHere) {
      writeFileSync(file, '');
      truncateSync(file, FILE_BYTES);
      let length = 0;
      const sink = {
        get length() {
          return length;
        },
        read: async () => new Uint8Array(0),
        restart: async () => {},
        write: async (bytes: Uint8Array) => {
          length += bytes.length;
        },
      };
      copying = download({ ...of, sink, progress });
    } else {
      const source = { size: FILE_BYTES, read: async (_from: number, max: number) => new Uint8Array(max) };
      copying = upload({ ...of, source, key: 'abcdef0123456789', overwrite: false, progress });
    }
    const over = copying.catch(() => {}); // given up below
    await expect.poll(() => Math.min(flooded, copied) > SETTLED_BYTES / 2, { timeout: 20_000, interval: 20 }).toBe(true);
    const [floodedBefore, copiedBefore, from] = [flooded, copied, performance.now()];

    const took = await echoes();
    // What we send is counted where it leaves us, far ahead of the network.
    const rate = (flooded + copied - floodedBefore - copiedBefore) / (performance.now() - from);
    console.log(
      `${way}: echo p50 ${quantile(took, 0.5).toFixed(0)} ms, p95 ${quantile(took, 0.95).toFixed(0)} ms, longest ${took.at(-1)?.toFixed(0)} ms${isHere ? `; beside it ${rate.toFixed(0)} kB/s of streams` : ''}`,
    );
    expect(quantile(took, 0.95)).toBeLessThan(ECHO_MS + 2 * ONE_WAY_MS);
    // Both go on, and the link is used.
    if (isHere) {
      expect(flooded).toBeGreaterThan(floodedBefore);
      expect(copied).toBeGreaterThan(copiedBefore);
      expect(rate).toBeGreaterThan(0.5 * (RATE / 1000));
    }
    given.abort();
    socket.destroy();
    close();
    await over;
  },
);

const reachFar = () => reach('far', { ask, start: true, configFile: ssh.configFile });

test('streams go over the link that is open, however late it answers: nobody logs in anew', async () => {
  network.setRate(Number.POSITIVE_INFINITY);
  network.setDelay(300);
  await ann.client.request('ping', {});
  const logins = network.connections;
  const streams = await Promise.all([reachFar(), reachFar(), reachFar()]);
  expect(network.connections).toBe(logins);
  for (const stream of streams) stream.close();
  network.setDelay(ONE_WAY_MS);
});

test('a link that died without a word is left for another by who needs one', async () => {
  const logins = network.connections;
  for (const pid of far.sshd.connections()) process.kill(pid, 'SIGSTOP'); // sshd ends them with the test
  (await reachFar()).close();
  expect(network.connections).toBe(logins + 1);
});
