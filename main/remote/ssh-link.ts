/** A connection to a host over SSH: programs, sockets and files of the other side, for as long as it holds. */
import type { Duplex, Readable } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import { openRoute, type SshTarget } from './ssh/hops.ts';
import { type Login, OpenLink } from './ssh/open-link.ts';

export type SshLink = {
  /** Who is logged in where, and how that was proved, in one line. */
  describe(): string;
  readonly login: Login;
  /** Starts `command` in the remote user's login shell, without a terminal. */
  exec(command: string): Promise<RemoteProgram>;
  /**
   * Connects to a Unix socket of the remote machine. Throws `host-unreachable` with `data.refused`: `prohibited`,
   * `connect-failed` or `other`. OpenSSH says `connect-failed` too where it does not forward sockets at all.
   */
  streamLocal(path: string): Promise<Duplex>;
  sftp(): Promise<SFTPWrapper>;
  /** Called once, at once if it is closed already; with why, if it was not on purpose. */
  onClosed(listener: (error?: Error) => void): void;
  close(): void;
};

export type RemoteProgram = {
  /** Its standard input (write) and output (read). Its end of input is `stream.end()`. */
  readonly stream: Duplex;
  /** Must be read or resumed: what is not read holds up the output too. */
  readonly stderr: Readable;
  /** Settles when it has ended; `{code: null, signal: null}` if the connection broke first. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
};

/**
 * Throws CmdopError: `host-unreachable` (worth another try), `unauthorized`, `host-key`, `bad-configuration` or `bad-request`
 * (not before something is changed); each says what to do.
 */
export async function openSshLink(target: SshTarget): Promise<SshLink> {
  return new OpenLink(await openRoute(target));
}
