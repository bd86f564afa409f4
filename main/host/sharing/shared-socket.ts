/**
 * The second socket: for a group of this machine's accounts, and only invited keys get anything there. Its folder may be
 * entered by the group and listed by nobody; who connects and proves nothing is let go of before it costs anything.
 */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { socketTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Transport } from '#protocol/transport.ts';
import { removeFile } from '../remove-file.ts';

export type SharedSocketOptions = {
  path: string;
  connected(transport: Transport): void;
};

export class SharedSocket {
  readonly path: string;
  readonly #connected: (transport: Transport) => void;
  #server: Server | null = null;

  constructor({ path, connected }: SharedSocketOptions) {
    this.path = path;
    this.#connected = connected;
  }

  get isOpen(): boolean {
    return this.#server !== null;
  }

  /** For the members of `group`, a name or number. Throws `bad-request`, `storage`. */
  async open(group: string): Promise<void> {
    if (process.platform === 'win32')
      throw new CmdopError('bad-request', 'accounts of a Windows machine cannot share a socket: use --ssh or --link');
    const gid = await groupId(group);
    await this.close();
    const folder = dirname(this.path);
    try {
      prepare(folder, gid, group);
      rmSync(this.path, { force: true });
      this.#server = await this.#listen(gid);
    } catch (error) {
      if (error instanceof CmdopError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === 'EPERM' ? `you are no member of the group ${group}: join it, or name one of yours (\`id -Gn\`)` : message;
      throw new CmdopError('storage', `the socket ${this.path} cannot be opened: ${why}`);
    }
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    // Its connections are clients of their own, and end with their invites.
    server.close();
    removeFile(this.path, 'though nothing answers there');
  }

  #listen(gid: number): Promise<Server> {
    const server = createServer((socket) => this.#connected(socketTransport(socket, 'shared socket')));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.path, () => {
        server.on('error', (error) => console.error('the shared socket:', error)); // no room for a connection
        try {
          chownSync(this.path, process.getuid?.() ?? 0, gid);
          chmodSync(this.path, 0o660);
          resolve(server);
        } catch (error) {
          server.close();
          reject(error as Error);
        }
      });
    });
  }
}

/** Ours, whoever was there before: in a shared /tmp somebody else may have made it. */
function prepare(folder: string, gid: number, group: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new CmdopError('storage', `${folder} is there already and not yours: remove it before group ${group} can share it`);
  chownSync(folder, found.uid, gid);
  chmodSync(folder, 0o710);
}

/** Throws `bad-request`. */
async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  if (!/^[\w][\w.-]{0,63}\$?$/.test(group))
    throw new CmdopError('bad-request', `${JSON.stringify(group)} can be no group: write its name or number`);
  const lines = await promisify(execFile)('getent', ['group', group]).then(
    ({ stdout }) => stdout,
    () => readFileSync('/etc/group', 'utf8'), // no such command, or no such group: the file tells
  );
  const line = lines.split('\n').find((each) => each.startsWith(`${group}:`));
  const id = line?.split(':')[2];
  if (id === undefined || !/^\d+$/.test(id))
    throw new CmdopError('bad-request', `there is no group ${group} on this machine: \`getent group\` lists them`);
  return Number(id);
}
