/** A connection to a machine over SSH, as the rest of cmdop sees it. */
import type { Duplex, Readable } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import type { Proof } from './authentication.ts';

export type Login = {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** Hops in front, as typed. */
  readonly via: readonly string[];
  readonly hostFingerprint: string;
  readonly proof: Proof;
};

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
  /** How long ago the last bytes came, milliseconds. */
  silentMs(): number;
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
