/** A byte stream to this machine's host, which is started where none runs. */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import { ensureLocalFolders, type LocalPaths, localPaths } from './paths.ts';
import { connectSocket, socketTransport } from './socket-transport.ts';
import { claimStart } from './start-claim.ts';
import { startHost } from './start-host.ts';

/** While someone else starts the host, we look this often whether it listens, milliseconds. */
const LOOK_MS = 15;

/** What connecting says when no host listens: no socket, or one that a killed host left behind. */
const NOBODY_LISTENS = new Set(['ENOENT', 'ECONNREFUSED']);

type Options = { start: boolean; paths?: LocalPaths };
type Connect = (path: string) => Socket;

/** Throws `host-unreachable` when there is no host (and `start` is false), or none could be started. */
export async function connectToHost(options: Options): Promise<Transport> {
  return socketTransport(await opened(options, connectSocket));
}

/** The connected socket itself, for who carries another's bytes. Throws as `connectToHost`. */
export function openHostSocket(options: Options): Promise<Socket> {
  return opened(options, connect);
}

async function opened({ start, paths = localPaths() }: Options, connectTo: Connect): Promise<Socket> {
  const first = await open(paths, connectTo);
  if (typeof first !== 'string') return first;
  if (!NOBODY_LISTENS.has(first)) throw unreachable(paths, first);
  if (!start) throw new CmdopError('host-unreachable', 'no host runs here: start it with `cmdop host start`', { isNoHost: true });
  ensureLocalFolders(paths);
  return started(paths, connectTo);
}

/** Starts the host, or waits for whoever is at it already. */
async function started(paths: LocalPaths, connectTo: Connect): Promise<Socket> {
  for (;;) {
    const claim = claimStart(join(paths.runDir, 'starting'));
    try {
      if (claim) await startHost(paths);
      else await new Promise((resolve) => setTimeout(resolve, LOOK_MS)); // nothing announces a socket
    } finally {
      claim?.release();
    }
    const socket = await open(paths, connectTo);
    if (typeof socket !== 'string') return socket;
    if (claim || !NOBODY_LISTENS.has(socket)) throw unreachable(paths, socket);
  }
}

/** The connected socket, or the code of what went wrong. */
function open(paths: LocalPaths, connectTo: Connect): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = connectTo(paths.hostSocket);
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      resolve(socket);
    });
  });
}

function unreachable(paths: LocalPaths, code: string): CmdopError {
  const remedy =
    code === 'EACCES'
      ? 'it belongs to another user: run cmdop as that user, or set CMDOP_HOME to a folder of yours'
      : `look into ${paths.logFile}`;
  return new CmdopError('host-unreachable', `the host's socket ${paths.hostSocket} cannot be opened (${code}): ${remedy}`);
}
