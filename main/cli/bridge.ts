/**
 * `bridge`: carries the bytes between whoever started it and this machine's host, which it starts where none runs.
 * Nothing but the host's bytes is on stdout, so that a client may follow noise of a login; it ends when either side does.
 */
import { fstatSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { buildId } from '#local/build-id.ts';
import { openHostSocket } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import { nodePath, programPath } from '#local/runtime.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import { encodeOrigin, MAGIC } from '#protocol/frames.ts';
import type { Origin } from '#protocol/shapes.ts';
import { originOf } from './bridge-origin.ts';
import { EXIT } from './exit-codes.ts';
import { isNoHost } from './host.ts';
import { print } from './output.ts';

/** Set by sshd for whoever logs in, and untrue of everybody else in a host that outlives the login. */
const OF_THE_LOGIN = /^(SSH_(CONNECTION|CLIENT|TTY|USER_AUTH|ORIGINAL_COMMAND)|SUDO_.+|XDG_SESSION_.+)$/;

export async function bridge({ start, where, socket }: { start: boolean; where?: boolean; socket?: string }): Promise<void> {
  const origin = originOf(process.env);
  for (const name of Object.keys(process.env)) if (OF_THE_LOGIN.test(name)) delete process.env[name];
  if (!where && isDeaf()) {
    throw new CmdopError('bad-request', 'no input is passed on to the bridge: `docker exec` and `kubectl exec` do so with -i');
  }
  if (socket !== undefined) return carry(await openOther(socket), origin);
  if (!where) return carry(await openHostSocket({ start }), origin);
  const isRunning = await openHostSocket({ start }).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    (error: unknown) => {
      if (start || !isNoHost(error)) throw error;
      return false;
    },
  );
  const hostBundle = programPath('host');
  const place = {
    socket: localPaths().hostSocket,
    isRunning,
    origin,
    version: VERSION,
    build: buildId(hostBundle),
    node: nodePath(),
    hostBundle,
  };
  print(`cmdop-where ${JSON.stringify(place)}\n`);
}

/** Nothing that a client says would arrive; the host would only see it go. */
function isDeaf(): boolean {
  const input = fstatSync(0);
  return input.isCharacterDevice() && input.rdev === statSync('/dev/null', { throwIfNoEntry: false })?.rdev;
}

/** A socket that is somebody else's: there they prove a key, and this account only carries. */
function openOther(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', (error) => reject(new CmdopError('host-unreachable', `${path} cannot be opened: ${error.message}`)));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** Resolves when one side has ended and the other has what was left. */
function carry(socket: Socket, origin: Origin): Promise<void> {
  socket.setNoDelay(true);
  return new Promise((resolve) => {
    const failed = () => {
      process.exitCode = EXIT.failed;
      socket.destroy();
    };
    process.stdin.on('error', failed);
    process.stdout.on('error', failed);
    socket.on('error', failed);
    process.stdin.pipe(new Introduction(origin)).pipe(socket);
    socket.on('data', (bytes) => {
      if (!process.stdout.write(bytes)) socket.pause();
    });
    process.stdout.on('drain', () => socket.resume());
    socket.on('close', () => {
      process.stdin.destroy();
      process.stdout.write('', () => resolve());
    });
  });
}

/** Puts how the client came behind its magic, and passes everything else on as it is. */
class Introduction extends Transform {
  readonly #origin: Origin;
  #awaited = MAGIC.length;

  constructor(origin: Origin) {
    super();
    this.#origin = origin;
  }

  override _transform(bytes: Buffer, _encoding: string, done: TransformCallback): void {
    if (this.#awaited === 0) {
      done(null, bytes);
      return;
    }
    const own = bytes.subarray(0, this.#awaited);
    this.#awaited -= own.length;
    this.push(own);
    if (this.#awaited === 0) {
      this.push(encodeOrigin(this.#origin));
      this.push(bytes.subarray(own.length));
    }
    done();
  }
}
