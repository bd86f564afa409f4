/**
 * Records the conversations of this build's protocol version: `node test/process/record-transcripts.ts`. Run once when a
 * version is final; it refuses to write over a transcript. `cat` in a PTY is what is talked to: it gives the same bytes
 * every time, the terminal's echo and its own.
 */
import { renameSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { localPaths } from '#local/paths.ts';
import { encodeInput, encodeMessage, MAGIC } from '#protocol/frames.ts';
import type { Channel, Epoch, Seq } from '#protocol/ids.ts';
import { PROTOCOL } from '#protocol/versions.ts';
import { FrameCutter, type Line, writeTranscript } from '../contract/transcripts.ts';
import { type Engine, openEngine } from './engine.ts';
import { messageOf, outputOf, WirePeer } from './wire-peer.ts';

const CLIENT = 'transcript-client-1';
const VERSION = PROTOCOL.max;
/** Events whose number depends on how fast the machine is: not kept. */
const UNSTEADY = new Set(['session.changed', 'actor.typing', 'command.changed', 'host.warnings']);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const input = (channel: number, epoch: number, seq: number, text: string) =>
  encodeInput({ channel: channel as Channel, epoch: epoch as Epoch, seq: seq as Seq, bytes: Buffer.from(text) });

const engine = openEngine();
const paths = localPaths({ ...engine.env });
try {
  await engine.startHost();
  await recordClient();
  await engine.startHost();
  await recordKeeper(engine);
} finally {
  engine.dispose();
}
console.log('recorded');

/** Everything a client of this version does, from its first byte to the host's last word. */
async function recordClient(): Promise<void> {
  const lines: Line[] = [];
  const host = await WirePeer.open(paths.hostSocket, MAGIC.length, (frame) => {
    const event = messageOf(frame)?.event;
    if (typeof event !== 'string' || !UNSTEADY.has(event)) lines.push({ link: 1, side: 'host', hex: hex(frame) });
  });
  const send = (frame: Uint8Array) => {
    lines.push({ link: 1, side: 'client', hex: hex(frame) });
    host.send(frame);
  };
  let id = 0;
  const ask = async (method: string, params: unknown) => {
    const own = ++id;
    send(encodeMessage({ id: own, method, params }));
    return host.until(`the answer to ${method}`, () => host.frames.map(messageOf).find((message) => message?.id === own));
  };
  const told = (event: string, count = 1) =>
    host.until(event, () => host.frames.filter((frame) => messageOf(frame)?.event === event).length >= count);
  const printed = (channel: number, text: string) => host.until(text, () => outputOf(host.frames, channel).toString() === text);

  send(MAGIC);
  await ask('hello', {
    protocol: { min: VERSION, max: VERSION },
    client: { id: CLIENT, interface: 'cli', name: 'ann', build: 'recorded' },
  });
  await ask('ping', {});
  await ask('host.watch', {});
  await ask('session.create', { name: 'talk', cwd: '/', command: ['/bin/cat'], size: { cols: 80, rows: 24 } });
  await ask('session.attach', { session: 'talk', role: 'operator', size: { cols: 80, rows: 24 }, scrollback: 100 });
  await ask('control.take', { channel: 1, force: false });
  send(input(1, 1, 1, 'hello\r'));
  await printed(1, 'hello\r\nhello\r\n');
  await told('input.applied');
  send(input(1, 1, 1, 'hello\r')); // as after a broken link: it must not be typed twice
  send(input(1, 1, 2, 'two\r'));
  await printed(1, 'hello\r\nhello\r\ntwo\r\ntwo\r\n');
  await told('input.applied', 2);
  send(encodeMessage({ event: 'output.ack', params: { channel: 1, offset: 24 } }));
  await ask('session.resize', { channel: 1, size: { cols: 100, rows: 30 } });
  await told('session.resized');
  send(input(1, 0, 3, 'stale\r'));
  await told('input.refused');
  await ask('control.release', { channel: 1 });
  await ask('session.inspect', { session: 'talk' });
  await ask('session.screen', { session: 'talk' });
  await ask('session.rename', { session: 'talk', name: 'talked' });
  await ask('history.list', { session: 'talked' });
  await ask('journal.list', { session: 'talked', limit: 10 });
  await ask('output.read', { session: 'talked', from: 0 });
  await ask('session.detach', { channel: 1 });
  await ask('session.attach', { session: 'talked', have: 14 });
  await printed(2, 'two\r\ntwo\r\n');
  await ask('control.take', { channel: 2, force: true });
  await ask('session.attach', { session: 'nobody' });
  await ask('no.such.method', {});
  await ask('session.list', {});
  await ask('session.kill', { session: 'talked', signal: 'SIGHUP' });
  await told('session.ended');
  await ask('session.remove', { session: 'talked' });
  await ask('journal.verify', {});
  await ask('host.status', {});
  await ask('host.stop', {});
  await told('host.stopping');
  await host.until('the end', () => host.isClosed);
  writeTranscript(`client-v${VERSION}`, { about: { protocol: VERSION, client: CLIENT }, lines });
}

/** What host and keeper say to each other, heard in between: two hosts after another, and the end of the program. */
async function recordKeeper({ startHost, killHost, person }: Engine): Promise<void> {
  const ann = person('ann');
  const { session } = await ann.client.request('session.create', { name: 'kept', cwd: '/', command: ['/bin/cat'] });
  await killHost();
  const lines: Line[] = [];
  const socket = paths.keeperSocket(session.id);
  renameSync(socket, `${socket}.real`);
  let links = 0;
  let released: () => void = () => {};
  const isReleased = new Promise<void>((resolve) => {
    released = resolve;
  });
  const between = createServer((host) => {
    const link = ++links;
    const keeper = connect(`${socket}.real`);
    if (link === 2) keeper.on('close', released);
    for (const [side, from, to] of [
      ['host', host, keeper],
      ['keeper', keeper, host],
    ] as const) {
      const cutter = new FrameCutter(0);
      from.on('data', (bytes) => {
        for (const frame of cutter.push(bytes)) lines.push({ link, side, hex: hex(frame) });
        to.write(bytes);
      });
      from.on('error', () => {}); // its `close` follows
      from.on('close', () => to.destroy());
    }
  }).listen(socket);
  await startHost();
  const view = ann.attach('kept');
  await view.type('hello\r');
  await view.until('hello\nhello');
  await view.type('two\r');
  await view.until('two\ntwo');
  await killHost();
  await startHost();
  await view.type('three\r');
  await view.until('three\nthree');
  await view.type('\x04');
  await view.until(() => view.end !== null);
  await isReleased;
  between.close();
  writeTranscript(`keeper-v${VERSION}`, { about: { wire: 1, session: session.id, client: ann.client.clientId }, lines });
}
