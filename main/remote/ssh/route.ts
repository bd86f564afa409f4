/** The byte stream to a host's SSH port: a TCP connection, a proxy command, or a channel through the hop in front. */
import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import type { HostConfig } from './host-config.ts';
import { plainText } from './plain-text.ts';
import { connectReusing, type ReusingSocket } from './reused-reads.ts';
import { sendByTurn } from './send-by-turn.ts';

/** How much of what a proxy command said is shown when it fails, characters. */
const SAID_CHARACTERS = 500;

/** How long a proxy command that has closed its output may still say why, milliseconds. */
const SAYING_MS = 300;

export type Route = {
  readonly stream: Duplex;
  /** What the proxy command said on its error output, for the error. */
  said(): string;
  dispose(): void;
  /** Where it can: see ReusingSocket. */
  reuseReads?(): void;
};

/** Tries each address of the name in turn. Throws `host-unreachable`. */
export async function tcpRoute(config: HostConfig, signal: AbortSignal): Promise<Route> {
  const { hostName, port, addressFamily, bindAddress, connectMs } = config;
  const addresses = isIP(hostName) ? [hostName] : await addressesOf(hostName, addressFamily);
  let failure: unknown = null;
  for (const host of addresses) {
    try {
      const { socket, reuse } = await connectTo(
        { host, port, ...(bindAddress ? { localAddress: bindAddress } : {}) },
        { connectMs, signal },
      );
      socket.setNoDelay(true);
      // Beside SSH's own keepalive: the system finds a link that died while it was idle for hours.
      socket.setKeepAlive(true, 60_000);
      return { stream: sendByTurn(socket), said: () => '', dispose: () => socket.destroy(), reuseReads: reuse };
    } catch (error) {
      failure = error;
      if (signal.aborted) break;
    }
  }
  throw new CmdopError('host-unreachable', `${hostName} port ${port} cannot be reached (${reason(failure)}): ${remedyFor(failure)}`);
}

/** Runs in the user's shell, as OpenSSH does it: its output is what the host says. */
export function commandRoute(command: string): Route {
  const isWindows = process.platform === 'win32';
  const [shell, args] = isWindows
    ? [process.env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', command]]
    : [process.env.SHELL || '/bin/sh', ['-c', `exec ${command}`]];
  const child = spawn(shell, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString('utf8')).slice(-SAID_CHARACTERS);
  });
  child.on('error', (error) => {
    said += error.message;
    stream.destroy();
  });
  child.stdin.on('error', () => {
    // it ended before it read all: the end of its output says so
  });
  const stream: Duplex = new Duplex({
    read: () => child.stdout.resume(),
    write: (bytes: Buffer, _encoding, done) => {
      if (child.stdin.write(bytes)) done();
      else child.stdin.once('drain', done);
    },
    final: (done) => child.stdin.end(done),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdout.on('data', (bytes: Buffer) => {
    if (!stream.push(bytes)) child.stdout.pause();
  });
  let isOver = false;
  const finish = () => {
    if (isOver) return;
    isOver = true;
    stream.push(null);
    stream.end();
  };
  let ended = '';
  child.on('exit', (code, signal) => {
    if (code !== 0) ended = `it ended with ${signal ?? code}`;
  });
  // Its output ends a moment before what it said of it is here.
  child.stdout.on('end', () => setTimeout(finish, SAYING_MS));
  child.on('close', finish);
  return { stream, said: () => plainText(said || ended), dispose: () => stream.destroy() };
}

/** Throws `host-unreachable` if the hop cannot reach it. */
export function hopRoute(hop: Client, { hostName, port, connectMs }: HostConfig, hopName: string): Promise<Route> {
  return new Promise((resolve, reject) => {
    const fail = (said: string) => {
      clearTimeout(timer);
      const remedy = `check the name there, and that ${hopName} allows forwarding`;
      reject(new CmdopError('host-unreachable', `${hopName} cannot reach ${hostName} port ${port} (${plainText(said)}): ${remedy}`));
    };
    const timer = setTimeout(() => fail(`no answer within ${connectMs / 1000} s`), connectMs);
    try {
      hop.forwardOut('127.0.0.1', 0, hostName, port, (error, stream) => {
        if (error) return fail(error.message);
        clearTimeout(timer);
        resolve({ stream, said: () => '', dispose: () => stream.destroy() });
      });
    } catch (error) {
      // ssh2 throws where its socket is closed already.
      fail(reason(error));
    }
  });
}

async function addressesOf(name: string, family: 0 | 4 | 6): Promise<string[]> {
  try {
    const found = await lookup(name, { all: true, family });
    return found.map(({ address }) => address);
  } catch (error) {
    const version = family === 0 ? '' : ` as IPv${family}`;
    throw new CmdopError('host-unreachable', `${name} is not known${version} (${reason(error)}): check the name, or the network`);
  }
}

type Limits = { connectMs: number; signal: AbortSignal };

function connectTo(place: { host: string; port: number; localAddress?: string }, { connectMs, signal }: Limits): Promise<ReusingSocket> {
  return new Promise((resolve, reject) => {
    const reusing = connectReusing(place);
    const { socket } = reusing;
    const timer = setTimeout(() => settle(new Error(`no answer within ${connectMs / 1000} s`)), connectMs);
    const abort = () => settle(new Error('given up'));
    const settle = (error?: Error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', settle);
      if (!error) {
        socket.pause(); // until ssh2 listens
        return resolve(reusing);
      }
      socket.once('error', () => {
        // it is given up already
      });
      socket.destroy();
      reject(error);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    socket.once('error', settle);
    socket.once('connect', () => settle());
  });
}

function remedyFor(error: unknown): string {
  switch (error instanceof Error && 'code' in error ? error.code : '') {
    case 'ECONNREFUSED':
      return 'is sshd running there, and is it this port?';
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return 'check the network or the VPN';
    default:
      return 'check the name, the port and the network';
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
