/** A connection to a host over SSH: programs, sockets and files of the other side, for as long as it holds. */
import type { Duplex, Readable } from 'node:stream';
import { Client, type SFTPWrapper } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import type { Asker } from './asker.ts';
import { fingerprintOf, typeOf } from './ssh/host-key.ts';

export type SshLink = {
  /** Who is logged in where, and how that was proved, in one line. */
  describe(): string;
  /** Starts `command` in the remote user's login shell, without a terminal. */
  exec(command: string): Promise<RemoteProgram>;
  /** Connects to a Unix socket of the remote machine. */
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

export type SshTarget = {
  /** A `Host` of the configuration, or `user@name:port`. */
  readonly host: string;
  readonly ask: Asker;
  /** Instead of `~/.ssh/config` and the system's. */
  readonly configFile?: string;
  /** Ends the attempt; nothing once the link is open. */
  readonly signal?: AbortSignal;
};

/** Throws CmdopError: `host-unreachable`, `unauthorized`, or what else is in the way, with the remedy. */
export function openSshLink({ host, ask, signal }: SshTarget): Promise<SshLink> {
  const parts = /^(?:(?<user>[^@]+)@)?(?<name>[^:]+)(?::(?<port>\d+))?$/.exec(host)?.groups;
  const name = parts?.name ?? host;
  const port = Number(parts?.port ?? 22);
  const user = parts?.user ?? process.env.USER ?? 'root';
  const client = new Client();
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => client.destroy());
    client.once('error', (error) => reject(new CmdopError('host-unreachable', `${host} cannot be reached: ${error.message}`)));
    client.once('close', () => reject(new CmdopError('host-unreachable', `${host} closed the connection`)));
    client.once('ready', () => resolve(linkOver(client, `${user}@${name}`)));
    client.connect({
      host: name,
      port,
      username: user,
      ...(process.env.SSH_AUTH_SOCK ? { agent: process.env.SSH_AUTH_SOCK } : {}),
      hostVerifier: (key: Buffer, verify: (isAccepted: boolean) => void) => {
        ask.hostKey({ host: name, port, type: typeOf(key), fingerprint: fingerprintOf(key) }).then(verify, () => verify(false));
      },
    });
  });
}

function linkOver(client: Client, description: string): SshLink {
  return {
    describe: () => description,
    exec: (command) =>
      new Promise((resolve, reject) => {
        client.exec(command, (error, stream) => {
          if (error) return reject(error);
          const exited = new Promise<{ code: number | null; signal: string | null }>((settle) => {
            stream.on('exit', (code: number | null, signal?: string) => settle({ code, signal: signal ?? null }));
            stream.on('close', () => settle({ code: null, signal: null }));
          });
          resolve({ stream, stderr: stream.stderr, exited });
        });
      }),
    streamLocal: (path) =>
      new Promise((resolve, reject) => {
        client.openssh_forwardOutStreamLocal(path, (error, stream) => (error ? reject(error) : resolve(stream)));
      }),
    sftp: () =>
      new Promise((resolve, reject) => {
        client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)));
      }),
    onClosed: (listener) => client.once('close', () => listener()),
    close: () => client.end(),
  };
}
