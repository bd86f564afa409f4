/** The host process: takes the lock, listens, says `ready` or `error: …` on stdout, and lives until it is told to stop. */
import { existsSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { compileEarly } from '#local/early-tiers.ts';
import { ensureLocalFolders, localPaths } from '#local/paths.ts';
import { HostProcess, lockFile } from './host-process.ts';
import { ServiceManager } from './service-manager.ts';
import { lockHost } from './single-host.ts';
import { SUCCESSOR_ENV } from './successor.ts';

/** Beyond this the log of the last run is set aside, bytes. */
const MAX_LOG_BYTES = 1024 * 1024;
/** How long the loser of a start race waits for the winner to listen, milliseconds. */
const WINNER_MS = 10_000;

async function main(): Promise<void> {
  process.title = 'cmdop host';
  const paths = localPaths();
  ensureLocalFolders(paths);
  const follows = process.env[SUCCESSOR_ENV];
  delete process.env[SUCCESSOR_ENV]; // no program of a session is to see it
  const serviceManager = ServiceManager.from(process.env);
  if (follows !== undefined) {
    say('waiting\n');
    await toldToGo();
  }
  const lock = lockHost(lockFile(paths));
  if (!lock) {
    await untilListening(paths.hostSocket);
    say('ready\n');
    return;
  }
  logTo(paths.logFile);
  const host = new HostProcess({ paths, lock, serviceManager });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void host.stop());
  process.on('SIGHUP', () => {}); // a terminal that closes is no reason to end
  await host.start({ follows: follows !== undefined, isInheriting: follows === 'listener' });
  compileEarly(); // not before: it takes from what the start needs
  const { sessions, unreachable } = host.found;
  say(follows === undefined ? 'ready\n' : `unreachable ${unreachable}\nready ${sessions}\n`);
}

/** The host before us says so, or ends. */
function toldToGo(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin.on('error', () => resolve());
    process.stdin.once('data', () => resolve());
    process.stdin.once('close', () => resolve());
    process.stdin.once('end', () => resolve());
  });
}

async function untilListening(path: string): Promise<void> {
  for (const end = performance.now() + WINNER_MS; performance.now() < end; ) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 20)); // once, at a start race; nothing announces a socket
  }
  throw new Error(`another host of this user is starting but does not answer on ${path}: look for a hung \`cmdop host\` process`);
}

/** Console output goes to the log file: a host has no terminal. */
function logTo(file: string): void {
  let fd: number | null = null;
  const open = () => {
    if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
    return openSync(file, 'a', 0o600);
  };
  const write = (...words: unknown[]) => {
    const line = words.map((word) => (word instanceof Error ? (word.stack ?? word.message) : String(word))).join(' ');
    try {
      fd ??= open(); // a disk that refused may be mended
      writeSync(fd, `${new Date().toISOString()} ${line}\n`);
    } catch {
      // a disk that refuses: the journal's warning tells
    }
  };
  try {
    fd = open();
  } catch (error) {
    console.error(`no log at ${file}:`, error);
  }
  console.log = write;
  console.warn = write;
  console.error = write;
}

function say(line: string): void {
  try {
    writeSync(1, line);
  } catch {
    // nobody waits for it any more
  }
}

// A bug ends this process, not the sessions: clients start the next host, which adopts them.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error) => {
    console.error(`${event}:`, error);
    process.exit(70);
  });
}

main().catch((error: unknown) => {
  say(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
