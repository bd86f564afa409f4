/**
 * Many clients in one process, as light as they can be: `crowd.ts MEMBERS WANTED-BYTES raw SOCKET`,
 * `… wire SOCKET SESSION` (cmdop) or `… screen READY DONE COMMAND…` (each in a PTY of its own).
 * Prints `{"pids"}` once all are attached and `{"bytes", "gaps", "hash"}` once the slowest has everything; ends with stdin.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { newClientId } from '#protocol/ids.ts';
import { RawReader, type Reader, ScreenReader, WELCOME, WireReader } from './crowd-readers.ts';
import { kill } from './processes.ts';
import { openView } from './terminal-peers.ts';

/** What a member reads at most at once, bytes. All share it: the next one reads when this one is through. */
const buffer = Buffer.alloc(1024 * 1024);
const [count = '', wanted = '', kind = '', ...args] = process.argv.slice(2);
const members = Number(count);
const wantedBytes = Number(wanted);
const readers: Reader[] = [];
const pids: number[] = [];
let isReady = false;

for (let n = 0; n < members; n++) readers.push(join(n));
process.stdin.resume().on('end', () => {
  for (const pid of pids) kill(pid);
  process.exit(0);
});

function join(n: number): Reader {
  const isChecked = n === 0; // one for all: to hash what everybody gets would be what is measured
  const [first = '', second = '', ...command] = args;
  switch (kind) {
    case 'raw': {
      const reader = new RawReader({ wantedBytes, isChecked });
      openSocket(first, reader);
      return reader;
    }
    case 'wire': {
      const reader = new WireReader({ wantedBytes, isChecked, send: (bytes) => socket.write(bytes) });
      const socket = openSocket(first, reader);
      reader.greet({ id: newClientId((bytes) => randomBytes(bytes)), session: second });
      return reader;
    }
    case 'screen': {
      const reader = new ScreenReader({ ready: first, done: second });
      const view = openView(command, (bytes) => took(reader, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)));
      pids.push(view.pid);
      return reader;
    }
    default:
      throw new Error(`"${kind}" is no kind of crowd: raw, wire or screen`);
  }
}

function openSocket(path: string, reader: Reader) {
  const onread = {
    buffer,
    callback: (length: number) => {
      took(reader, buffer.subarray(0, length));
      return true;
    },
  };
  return connect({ path, onread });
}

function took(reader: Reader, bytes: Buffer): void {
  if (reader instanceof RawReader && !reader.isReady) {
    reader.isReady = true;
    reader.received(bytes.subarray(WELCOME.length));
  } else reader.received(bytes);
  if (!isReady || reader.isDone) look();
}

function look(): void {
  if (readers.length < members) return;
  if (!isReady && readers.every((reader) => reader.isReady)) {
    isReady = true;
    console.log(JSON.stringify({ pids }));
  }
  if (!readers.every((reader) => reader.isDone)) return;
  const [first] = readers;
  const hash = first instanceof RawReader || first instanceof WireReader ? first.hash() : null;
  const gaps = readers.reduce((sum, reader) => sum + reader.gaps, 0);
  console.log(JSON.stringify({ bytes: readers.map(({ bytes }) => bytes), gaps, hash }));
}
