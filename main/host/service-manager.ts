/**
 * The systemd that started this host as a service, if one did: it is told which process the service is once another build
 * took over, so that it goes on counting it as running, stops that one, and starts it again when it fails.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Where systemd listens, in the environment of a service with `NotifyAccess`. */
const SOCKET = 'NOTIFY_SOCKET';
/** Longest that the word to systemd may take, milliseconds; it is there in some ten. */
const PATIENCE_MS = 2_000;

export class ServiceManager {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Takes it out of the environment, so that no program of a session speaks in our name; null where nobody listens. */
  static from(env: NodeJS.ProcessEnv): ServiceManager | null {
    const socket = env[SOCKET];
    delete env[SOCKET];
    return socket ? new ServiceManager(socket) : null;
  }

  /** For the host that follows. */
  get env(): Record<string, string> {
    return { [SOCKET]: this.#socket };
  }

  /**
   * Resolves when systemd has taken notice. The program waits for that, which Node cannot: it knows no datagrams of Unix.
   * Never rejects: what systemd does not learn is only that the service goes on.
   */
  async mainProcessIs(pid: number): Promise<void> {
    try {
      await promisify(execFile)('systemd-notify', [`MAINPID=${pid}`], {
        env: { PATH: process.env.PATH, ...this.env },
        timeout: PATIENCE_MS,
      });
    } catch (error) {
      console.error(`systemd was not told that process ${pid} is the service now:`, error);
    }
  }
}
