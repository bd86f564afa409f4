/** A real OpenSSH server on loopback with keys, configuration and users' keys of its own, and what a client of it needs. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path)) ?? '/usr/sbin/sshd';
/** Longest that the server may take to listen, milliseconds. */
const START_MS = 10_000;

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa';
export type KeyFile = {
  readonly path: string;
  /** `ssh-ed25519 AAAA… comment`, one line without its end. */
  readonly publicLine: string;
  readonly type: string;
  /** `SHA256:…` */
  readonly fingerprint: string;
};

export type SshdOptions = {
  /** Lines of sshd_config that come first, and so win. */
  readonly config?: readonly string[];
  readonly hostKeyTypes?: readonly KeyType[];
  /** Environment of the server, and so of what it runs. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens; default 127.0.0.1. */
  readonly address?: string;
  /** What starts it: a command that becomes the one given behind it, such as `ip netns exec NAME`. */
  readonly within?: readonly string[];
};

export type Sshd = {
  readonly folder: string;
  readonly address: string;
  readonly port: number;
  /** The account that everything runs as: logins are of this user. */
  readonly user: string;
  readonly hostKeys: readonly KeyFile[];
  /** Without a passphrase, and in `authorized_keys`. */
  readonly clientKey: KeyFile;
  /** `[ADDRESS]:PORT TYPE KEY` for each host key. */
  readonly knownHostsLines: readonly string[];
  authorize(key: KeyFile, options?: string): void;
  /** What the server logged so far. */
  log(): string;
  /** Processes of the open connections. */
  connections(): number[];
  /** kill -9 to the open connections: the clients see a reset, the server goes on. */
  cutConnections(): void;
  /** kill -9 to the server and its connections. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the same keys. */
  start(): Promise<void>;
  dispose(): Promise<void>;
};

export type ClientFolder = {
  readonly folder: string;
  readonly configFile: string;
  readonly knownHostsFile: string;
};

/** As root it makes /run/sshd, which sshd wants; as someone else, only that account can log in. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { config = [], hostKeyTypes = ['ed25519'], env = {}, address = '127.0.0.1', within = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-sshd-'));
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const hostKeys = hostKeyTypes.map((type) => newKey({ folder, name: `host_${type}`, type }));
  const clientKey = newKey({ folder, name: 'client_ed25519', type: 'ed25519' });
  const authorizedKeys = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, `${clientKey.publicLine}\n`, { mode: 0o600 });
  const port = await freePort();
  const configFile = join(folder, 'sshd_config');
  const lines = [
    ...config.filter((line) => !/^Match\b/i.test(line)),
    ...[`ListenAddress ${address}`, `Port ${port}`, `PidFile ${join(folder, 'sshd.pid')}`],
    ...hostKeys.map(({ path }) => `HostKey ${path}`),
    `AuthorizedKeysFile ${authorizedKeys}`,
    // The folder is below a /tmp that anyone may write to.
    'StrictModes no',
    ...['UsePAM no', 'PermitRootLogin yes', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PrintMotd no'],
    // Shells that a test kills must not leave locks of their start files in the home of whoever runs it.
    `SetEnv HOME=${folder}`,
    ...['LogLevel VERBOSE', 'MaxAuthTries 20', 'MaxStartups 100'],
    // A second line for it would be a mistake.
    ...(config.some((line) => line.startsWith('Subsystem ')) ? [] : ['Subsystem sftp internal-sftp']),
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  const logFile = join(folder, 'sshd.log');
  writeFileSync(logFile, '');
  let server: ChildProcess | null = null;

  const start = async () => {
    const from = readFileSync(logFile, 'utf8').length;
    const [program = SSHD, ...args] = [...within, SSHD, '-D', '-e', '-f', configFile];
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    server = child;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`sshd does not listen:\n${readFileSync(logFile, 'utf8').slice(from)}`)), START_MS);
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`sshd ended:\n${readFileSync(logFile, 'utf8').slice(from)}`)));
      child.stderr?.on('data', (bytes: Buffer) => {
        appendFileSync(logFile, bytes);
        if (!readFileSync(logFile, 'utf8').slice(from).includes('Server listening on')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    // Sessions keep its descriptors open: the pipe must not keep the test alive after it.
    child.unref();
  };
  const connections = () => (server?.pid ? childrenOf(server.pid) : []);
  const cutConnections = () => {
    for (const pid of connections()) for (const each of [pid, ...descendantsOf(pid)]) kill(each);
  };
  const killAll = async () => {
    const child = server;
    server = null;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const below = descendantsOf(child.pid);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.kill('SIGKILL');
    for (const pid of below) kill(pid);
    await ended;
    child.stderr?.destroy();
  };

  await start();
  return {
    folder,
    address,
    port,
    user: userInfo().username,
    hostKeys,
    clientKey,
    knownHostsLines: hostKeys.map(({ publicLine }) => `[${address}]:${port} ${publicLine.split(' ').slice(0, 2).join(' ')}`),
    authorize: (key, options) => appendFileSync(authorizedKeys, `${options ? `${options} ` : ''}${key.publicLine}\n`),
    log: () => readFileSync(logFile, 'utf8'),
    connections,
    cutConnections,
    kill: killAll,
    start,
    dispose: async () => {
      await killAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A folder with `config` and `known_hosts`, where `Host NAME` reaches `sshd`; used as HOME it is found by itself.
 * The host key is known unless `isKnown` is false.
 */
export function clientFolder(
  sshd: Pick<Sshd, 'address' | 'port' | 'user' | 'clientKey' | 'knownHostsLines'>,
  { name = 'devbox', lines = [], isKnown = true }: { name?: string; lines?: readonly string[]; isKnown?: boolean } = {},
): ClientFolder {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-ssh-home-'));
  const ssh = join(folder, '.ssh');
  mkdirSync(ssh, { mode: 0o700 });
  const configFile = join(ssh, 'config');
  const knownHostsFile = join(ssh, 'known_hosts');
  writeFileSync(knownHostsFile, isKnown ? `${sshd.knownHostsLines.join('\n')}\n` : '', { mode: 0o600 });
  const own = [
    `HostName ${sshd.address}`,
    `Port ${sshd.port}`,
    `User ${sshd.user}`,
    `UserKnownHostsFile ${knownHostsFile}`,
    'IdentityAgent none',
  ];
  const key = lines.some((line) => /^\s*IdentityFile\b/i.test(line)) ? [] : [`IdentityFile ${sshd.clientKey.path}`];
  writeFileSync(configFile, [`Host ${name}`, ...[...lines, ...own, ...key].map((line) => `  ${line}`), ''].join('\n'), { mode: 0o600 });
  return { folder, configFile, knownHostsFile };
}

/** `isOld`: in OpenSSL's format, which keeps nothing in the open; not for ed25519. */
export function newKey(options: {
  folder: string;
  name: string;
  type?: KeyType;
  passphrase?: string;
  comment?: string;
  isOld?: boolean;
}): KeyFile {
  const { folder, name, type = 'ed25519', passphrase = '', comment = name, isOld = false } = options;
  const path = join(folder, name);
  const size = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...size, ...(isOld ? ['-m', 'PEM'] : []), '-N', passphrase, '-C', comment, '-f', path]);
  chmodSync(path, 0o600);
  return keyFile(path);
}

export function keyFile(path: string): KeyFile {
  const publicLine = readFileSync(`${path}.pub`, 'utf8').trim();
  const fingerprint = /SHA256:\S+/.exec(execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' }))?.[0] ?? '';
  return { path, publicLine, type: publicLine.split(' ')[0] ?? '', fingerprint };
}

export type Agent = { readonly socket: string; add(key: KeyFile): void; dispose(): Promise<void> };

export async function startAgent(): Promise<Agent> {
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-agent-'));
  const socket = join(folder, 's');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
  // It says where it listens as soon as it does.
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('ssh-agent ended')));
    child.stdout.once('data', () => resolve());
  });
  return {
    socket,
    add: ({ path }) => {
      execFileSync('ssh-add', ['-q', path], { env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' } });
    },
    dispose: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === parent)
    .map(Number);
}

/** Parents first: ended in this order, nobody is left to tell of what ended below. */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** From /proc/PID/stat, behind the name, which may hold anything. */
function parentOf(pid: string): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return null; // it ended meanwhile
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself meanwhile
  }
}
