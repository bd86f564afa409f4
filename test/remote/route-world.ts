/** Two real SSH servers, one a hop to the other, and links to them with folders of their own; everything goes with the test. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SshLink } from '../../main/remote/ssh/link.ts';
import { openSshLink } from '../../main/remote/ssh-link.ts';
import { type Answers, answering } from './answers.ts';
import { clientFolder, type Sshd, startSshd } from './sshd.ts';

/** `more` are lines behind the section of devbox: other hosts. */
export type OpenOptions = { lines?: string[]; more?: string[]; ask?: Answers; signal?: AbortSignal; isKnown?: boolean };

export class RouteWorld {
  readonly sshd: Sshd;
  readonly hop: Sshd;
  readonly folder: string;
  /** Done after each test, the last first. */
  readonly cleanups: (() => unknown)[] = [];

  private constructor(sshd: Sshd, hop: Sshd) {
    this.sshd = sshd;
    this.hop = hop;
    this.folder = mkdtempSync(join(tmpdir(), 'cmdop-route-'));
  }

  static async start(): Promise<RouteWorld> {
    const [sshd, hop] = await Promise.all([startSshd({ config: ['RekeyLimit 8M'] }), startSshd()]);
    hop.authorize(sshd.clientKey);
    return new RouteWorld(sshd, hop);
  }

  /** A link to `devbox`. */
  async open(options: OpenOptions = {}): Promise<SshLink> {
    const { sshd, hop, cleanups } = this;
    const { lines = [], more = [], ask = answering(), signal, isKnown = true } = options;
    const own = clientFolder(sshd, { lines, isKnown });
    cleanups.push(() => rmSync(own.folder, { recursive: true }));
    const all = [
      'Host *',
      ...[
        'HostName 127.0.0.1',
        `User ${sshd.user}`,
        `UserKnownHostsFile ${own.knownHostsFile}`,
        `IdentityFile ${sshd.clientKey.path}`,
        'IdentityAgent none',
      ],
    ];
    writeFileSync(own.configFile, `${readFileSync(own.configFile, 'utf8')}\n${more.join('\n')}\n${all.join('\n')}\n`);
    if (isKnown) writeFileSync(own.knownHostsFile, [...sshd.knownHostsLines, ...hop.knownHostsLines, ''].join('\n'));
    const link = await openSshLink({ host: 'devbox', configFile: own.configFile, ask, ...(signal ? { signal } : {}) });
    cleanups.push(() => link.close());
    return link;
  }

  /** A Unix socket that hands its connections to `serve`. */
  listen(serve: (socket: Socket) => void): Promise<string> {
    const path = join(this.folder, `${randomBytes(4).toString('hex')}.sock`);
    const server: Server = createServer((socket) => {
      socket.on('error', () => {
        // the other side went first
      });
      serve(socket);
    });
    this.cleanups.push(() => new Promise((done) => server.close(done)));
    return new Promise((resolve) => server.listen(path, () => resolve(path)));
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).reverse()) await cleanup();
  }

  async dispose(): Promise<void> {
    await Promise.all([this.sshd.dispose(), this.hop.dispose()]);
    rmSync(this.folder, { recursive: true });
  }
}

export const hopLines = (name: string, port: number, lines: string[] = []) => [`Host ${name}`, `  Port ${port}`, ...lines];

/** What a program says, to its end. */
export async function run(link: SshLink, command: string): Promise<string> {
  const program = await link.exec(command);
  program.stderr.resume();
  return Buffer.concat(await program.stream.toArray())
    .toString()
    .trim();
}

/** Resolves with why it ended; with nothing where that was wanted. */
export const closed = (link: SshLink) => new Promise<Error | undefined>((resolve) => link.onClosed(resolve));
