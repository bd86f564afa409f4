/** The host process: takes the lock, listens, says `ready` or `error: …` on stdout, and lives until it is told to stop. */
import { chmodSync, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#local/clock.ts';
import { ensureLocalFolders, type LocalPaths, localPaths } from '#local/paths.ts';
import { nodePath, programPath } from '#local/runtime.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { VERSION } from '#local/version.ts';
import { Host } from './host.ts';
import { lockHost } from './single-host.ts';

/** Beyond this the log of the last run is set aside, bytes. */
const MAX_LOG_BYTES = 1024 * 1024;
/** How long the loser of a start race waits for the winner to listen, milliseconds. */
const WINNER_MS = 10_000;

async function main(): Promise<void> {
  process.title = 'cmdop host';
  const paths = localPaths();
  ensureLocalFolders(paths);
  const lock = lockHost(join(paths.runDir, 'host.lock'));
  if (!lock) {
    await untilListening(paths.hostSocket);
    say('ready\n');
    return;
  }
  logTo(paths.logFile);
  let isStopping = false;
  const stop = async () => {
    if (isStopping) return;
    isStopping = true;
    server.close();
    await host.stop('stopped');
    lock.release();
    process.exit(0);
  };
  const host = new Host({
    paths,
    runtime: { node: nodePath(), keeperBundle: programPath('keeper') },
    ...folders(),
    version: VERSION,
    clock: systemClock,
    stop: () => void stop(),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop());
  process.on('SIGHUP', () => {}); // a terminal that closes is no reason to end
  await host.start();
  const server = await listen(paths, host);
  say('ready\n');
}

/** Scripts and interface beside the bundle, or in the sources. */
function folders(): { shellDir: string; rendererDir: string } {
  const here = dirname(fileURLToPath(import.meta.url));
  const isBundle = !import.meta.url.endsWith('.ts');
  return { shellDir: join(here, 'shell'), rendererDir: isBundle ? join(here, 'renderer') : join(here, '..', '..', 'dist', 'renderer') };
}

function listen(paths: LocalPaths, host: Host): Promise<Server> {
  // We hold the lock: a socket file that is there is a dead host's.
  if (process.platform !== 'win32') rmSync(paths.hostSocket, { force: true });
  const server = createServer((socket) => host.connect(socketTransport(socket)));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(paths.hostSocket, () => {
      if (process.platform !== 'win32') chmodSync(paths.hostSocket, 0o600);
      resolve(server);
    });
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
  try {
    if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
    const fd = openSync(file, 'a', 0o600);
    const write = (...words: unknown[]) => {
      const line = words.map((word) => (word instanceof Error ? (word.stack ?? word.message) : String(word))).join(' ');
      try {
        writeSync(fd, `${new Date().toISOString()} ${line}\n`);
      } catch {
        // a full disk: the journal's warning tells
      }
    };
    console.log = write;
    console.warn = write;
    console.error = write;
  } catch (error) {
    console.error(`no log at ${file}:`, error);
  }
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
