/** A guest with nothing but OpenSSH: keys of its own, and `ssh` in a real terminal or without one. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from '#protocol/messages.ts';
import { openTerminal, type TestTerminal } from './test-terminal.ts';

export type GuestKey = { readonly path: string; readonly publicLine: string; readonly fingerprint: string };
export type Place = Pick<Result<'share.ssh'>, 'address' | 'port'>;

export function newGuestKey(home: string, name: string, type = 'ed25519'): GuestKey {
  const folder = join(home, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', name, '-f', path]);
  const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-lf', `${path}.pub`], { encoding: 'utf8' }).split(' ');
  return { path, publicLine: readFileSync(`${path}.pub`, 'utf8').trim(), fingerprint };
}

/** Nothing of this machine's configuration, agents or known hosts counts. */
export function sshCommand(
  home: string,
  options: { place: Place; user: string; key: GuestKey | null; more?: readonly string[] },
): string[] {
  const { place, user, key, more = [] } = options;
  const identity = key ? ['-i', key.path, '-o', 'IdentitiesOnly=yes'] : ['-o', 'PubkeyAuthentication=no'];
  const known = ['-o', 'StrictHostKeyChecking=accept-new', '-o', `UserKnownHostsFile=${join(home, 'known_hosts')}`, '-o', 'LogLevel=ERROR'];
  return ['ssh', '-F', 'none', '-p', String(place.port), ...identity, ...known, ...more, `${user}@${place.address}`];
}

type Options = Parameters<typeof sshCommand>[1];

export function openGuest(
  home: string,
  options: Options & { cols?: number; rows?: number; env?: Readonly<Record<string, string>> },
): TestTerminal {
  const { cols = 80, rows = 24 } = options;
  const env = { PATH: process.env.PATH ?? '', HOME: home, TERM: 'xterm-256color', ...options.env };
  return openTerminal(sshCommand(home, options), { cols, rows, cwd: '/', env });
}

/** Without a terminal: what it said, and how it ended. */
export function runGuest(
  home: string,
  options: Options & { behind?: readonly string[]; input?: string },
): Promise<{ code: number | null; output: string }> {
  const [program = '', ...args] = sshCommand(home, options);
  const child = spawn(program, [...args, ...(options.behind ?? [])], { env: { PATH: process.env.PATH ?? '', HOME: home }, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes));
  child.stdin.on('error', () => {}); // it may have ended before
  child.stdin.end(options.input ?? '');
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}
