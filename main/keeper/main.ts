/** The keeper process: reads what to start from stdin, says `ready` or `error: …` on stdout, and lives as long as the session. */
import { chmodSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { compileEarly } from '#local/early-tiers.ts';
import { endNow } from '#local/end-now.ts';
import { Keeper } from './keeper.ts';
import { loadPty, openPty } from './pty.ts';
import { type KeeperSpec, refuseTooMuch } from './spec.ts';

function main(): void {
  try {
    loadPty();
  } catch (error) {
    fail(error);
  }
  // The host may start us long before there is something to do.
  const words = readFileSync(0, 'utf8');
  if (words === '') process.exit(0); // and end before it
  const spec = JSON.parse(words) as KeeperSpec;
  try {
    refuseTooMuch(spec);
  } catch (error) {
    fail(error);
  }
  process.title = `cmdop keeper ${spec.session}`;
  // Nothing that happens to the terminal or the host that started us may end the session.
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(signal, () => {});

  const server = createServer((socket) => {
    const peer = keeper.connected(socket);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => peer.received(bytes));
    socket.on('close', () => peer.closed());
    socket.on('error', () => {}); // `close` follows
  });
  const released = () => {
    server.close();
    if (process.platform !== 'win32') removeSocket(spec.socket);
    endNow();
  };
  const after = (ms: number, work: () => void) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  };
  const keeper = new Keeper(spec, { released, after });
  server.on('error', (error) => fail(error));
  server.listen(spec.socket, () => {
    if (process.platform !== 'win32') chmodSync(spec.socket, 0o600);
    if (spec.banner) keeper.output(Buffer.from(spec.banner));
    try {
      const pty = openPty(spec, {
        output: (bytes) => keeper.output(bytes),
        ending: () => keeper.ending(),
        exited: ({ code, signal }) => keeper.exited({ code, signal: signal === null ? null : signalName(signal) }),
      });
      keeper.start(pty);
    } catch (error) {
      removeSocket(spec.socket);
      fail(error);
    }
    say('ready\n');
    compileEarly(); // not the code that starts: it would only take memory
  });
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone already
  }
}

function fail(error: unknown): never {
  say(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function say(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // The host that started us is gone: the next one finds us by our socket.
  }
}

main();
