/**
 * The life of a host's process: it holds the lock, listens, and gives way to another build without losing anything.
 *
 * An old live session is never stranded: the build that follows must find as many sessions as run, in bounded time, and reach
 * all whose keepers answer this process; else it is ended, and this process takes everything back.
 */
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildId } from '#local/build-id.ts';
import { systemClock } from '#local/clock.ts';
import type { LocalPaths } from '#local/paths.ts';
import { nodePath, programPath } from '#local/runtime.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { VERSION } from '#local/version.ts';
import { CmdopError } from '#protocol/errors.ts';
import { Host } from './host.ts';
import { keeperProgram } from './keepers/keeper-program.ts';
import { removeFile } from './remove-file.ts';
import type { ServiceManager } from './service-manager.ts';
import { lockHost } from './single-host.ts';
import { type Build, checkBuild, Successor } from './successor.ts';

/** Where a host that follows another finds the socket that clients connect to. */
export const INHERITED_LISTENER = 3;

/** A keeper that says nothing for so long, milliseconds, holds up no start: it answers within a few. */
const SILENT_AFTER_MS = 100;
/** Where two hosts must agree on it. */
const SURELY_SILENT_AFTER_MS = 1_000;

type Lock = { release(): void };

export class HostProcess {
  readonly #paths: LocalPaths;
  readonly #startedAt = systemClock.wallNow();
  readonly #build = buildId(fileURLToPath(import.meta.url));
  readonly #serviceManager: ServiceManager | null;
  #lock: Lock;
  #host: Host;
  #server: Server | null = null;
  /** Gives way, or stops. */
  #isLeaving = false;
  /** Told to stop while it gave way: it does where that fails, else the next host. */
  #isStopAsked = false;

  constructor({ paths, lock, serviceManager }: { paths: LocalPaths; lock: Lock; serviceManager: ServiceManager | null }) {
    this.#paths = paths;
    this.#serviceManager = serviceManager;
    this.#lock = lock;
    this.#host = this.#newHost(null);
  }

  /** Adopts, then listens: at a socket of its own, or at the one that the host gave which it follows. */
  async start({ follows, isInheriting }: { follows: boolean; isInheriting: boolean }): Promise<void> {
    await this.#host.start(follows ? SURELY_SILENT_AFTER_MS : SILENT_AFTER_MS);
    this.#server = await this.#listen(isInheriting);
  }

  /** What the host that it follows is to judge it by. */
  get found(): { sessions: number; unreachable: number } {
    return this.#host.sessions.found;
  }

  /** Ends the process; the sessions wait for the next host. */
  async stop(): Promise<void> {
    this.#isStopAsked = true;
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    if (process.platform !== 'win32') removeFile(this.#paths.hostSocket, 'though nothing answers there');
    this.#server?.close();
    await this.#host.stop('stopped');
    this.#lock.release();
    process.exit(0);
  }

  /** Resolves with the process of `build` once that waits to take over, which then begins; rejects while nothing has changed. */
  async #handOff(build: Build | undefined): Promise<{ pid: number }> {
    if (this.#isLeaving) throw new CmdopError('busy', 'this host is being replaced or stopped already');
    const wanted = build ?? { node: nodePath(), hostBundle: programPath('host') };
    checkBuild(wanted);
    this.#isLeaving = true;
    const successor = await this.#load(wanted);
    setImmediate(() => void this.#giveWay(successor)); // after the answer
    return { pid: successor.pid };
  }

  /** The build, once it waits. Rejects if it does not come so far, or this host was told to stop meanwhile. */
  async #load(build: Build): Promise<Successor> {
    try {
      const successor = await Successor.start(build, {
        listener: this.#listenerDescriptor,
        logFile: this.#paths.logFile,
        env: this.#serviceManager?.env ?? {},
      });
      if (!this.#isStopAsked) return successor;
      await successor.end();
      throw new CmdopError('busy', 'this host was told to stop meanwhile');
    } catch (error) {
      this.#isLeaving = false;
      if (this.#isStopAsked) void this.stop();
      throw error;
    }
  }

  async #giveWay(successor: Successor): Promise<void> {
    const unanswered = await this.#host.sessions.unanswered(SURELY_SILENT_AFTER_MS);
    // Clients that connect from here on wait in the socket until the next host, or this one, accepts them.
    this.#server?.close();
    await this.#host.stop('upgrade');
    const { running } = this.#host.sessions;
    this.#lock.release();
    try {
      const { sessions, unreachable } = await successor.takeOver();
      if (sessions < running) throw new Error(`the new build found ${sessions} of ${running} running sessions`);
      if (unreachable > unanswered)
        throw new Error(`the new build cannot reach ${unreachable} of ${sessions} sessions, this one ${unanswered}`);
      await this.#serviceManager?.mainProcessIs(successor.pid);
      if (this.#isStopAsked) await successor.stop();
      process.exit(0);
    } catch (error) {
      await successor.end();
      await this.#takeBack(`the host was not replaced: ${(error as Error).message}; the old one goes on`);
    }
  }

  async #takeBack(message: string): Promise<void> {
    console.error(message);
    const lock = lockHost(lockFile(this.#paths));
    if (!lock) process.exit(0); // somebody started another host meanwhile, and it has them all
    this.#lock = lock;
    this.#host = this.#newHost({ at: systemClock.wallNow(), message });
    await this.start({ follows: false, isInheriting: false });
    this.#isLeaving = false;
    if (this.#isStopAsked) void this.stop();
  }

  #newHost(failedHandoff: { at: number; message: string } | null): Host {
    return new Host({
      paths: this.#paths,
      keeper: keeperProgram(),
      ...folders(),
      version: VERSION,
      build: this.#build,
      startedAt: this.#startedAt,
      failedHandoff,
      clock: systemClock,
      stop: () => void this.stop(),
      handOff: (build) => this.#handOff(build),
    });
  }

  #listen(isInheriting: boolean): Promise<Server> {
    const server = createServer((socket) => this.#host.connect(socketTransport(socket)));
    const { hostSocket, runDir } = this.#paths;
    const isFile = process.platform !== 'win32';
    // Bound under another name, which is what closing the server removes: the next host's socket has the known one.
    const bound = isFile ? join(runDir, `h-${process.pid}.sock`) : hostSocket;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const listening = () => {
        server.on('error', (error) => console.error('a client could not connect:', error)); // no room for its socket
        if (isFile && !isInheriting) {
          chmodSync(bound, 0o600);
          renameSync(bound, hostSocket);
        }
        resolve(server);
      };
      if (isInheriting) server.listen({ fd: INHERITED_LISTENER }, listening);
      else {
        if (isFile) rmSync(bound, { force: true });
        server.listen(bound, listening);
      }
    });
  }

  /** Node has no public name for it; where it changes, clients find no socket for a moment and try again. */
  get #listenerDescriptor(): number | null {
    const { _handle: handle } = this.#server as unknown as { _handle?: { fd?: unknown } };
    return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : null;
  }
}

export const lockFile = (paths: LocalPaths) => join(paths.runDir, 'host.lock');

/** Scripts and interface beside the bundle, or in the sources. */
function folders(): { shellDir: string; rendererDir: string } {
  const here = dirname(fileURLToPath(import.meta.url));
  const isBundle = !import.meta.url.endsWith('.ts');
  return { shellDir: join(here, 'shell'), rendererDir: isBundle ? join(here, 'renderer') : join(here, '..', '..', 'dist', 'renderer') };
}
