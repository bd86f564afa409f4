/** `host enable` and `disable`: the operating system starts the host at login, and again when it fails. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { homeFolder } from '#local/home-folder.ts';
import { IDLE_FLAGS, nodePath, programPath } from '#local/runtime.ts';
import { CmdopError } from '#protocol/errors.ts';
import { type Globals, isRemote } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { note, print, printJson } from '../output.ts';
import { LABEL, launchdAgent, MADE_BY, type ServiceCommand, systemdUnit } from './service-files.ts';

const UNIT = 'cmdop.service';
/** What moves the host's folders: a service that did not know it would be another host. */
const PLACES = ['CMDOP_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'] as const;

type Kind = 'systemd' | 'launchd';
type Options = Globals & { json?: boolean };

/** As `host status` tells it; null on systems that have no such service. */
export type ServiceState = {
  kind: Kind;
  file: string;
  isEnabled: boolean;
  /** It starts this build. */
  isCurrent: boolean;
};

/** Never asks the service manager: what the file says. */
export function serviceState(): ServiceState | null {
  const kind = kindHere();
  if (!kind) return null;
  const file = fileOf(kind);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : null;
  return { kind, file, isEnabled: text !== null, isCurrent: text !== null && text === contentOf(kind) };
}

export async function enable(options: Options): Promise<void> {
  const kind = kindFor(options, 'enable');
  const file = fileOf(kind);
  refuseForeign(file);
  await mustAnswer(kind);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
  const content = contentOf(kind);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o644 });
  if (kind === 'systemd') {
    await systemctl('daemon-reload');
    await systemctl('enable', UNIT);
    // Where a host runs already, this one ends at once, and nothing changes.
    await systemctl('start', UNIT);
  } else {
    await launchctl('bootout', `${domain()}/${LABEL}`).catch(() => {}); // it was not there
    await launchctl('bootstrap', domain(), file);
  }
  const lingers = kind === 'launchd' || (await hasLinger());
  if (options.json) {
    printJson({ ...serviceState(), lingers });
    return;
  }
  const what = before === null ? 'enabled' : before === content ? 'enabled already' : 'enabled anew, for this build';
  print(`${what}: the host starts when you log in (${file})\n`);
  if (!lingers) note(`to have it from boot on, and after you log out: \`loginctl enable-linger ${userInfo().username}\``);
}

export async function disable(options: Options): Promise<void> {
  const kind = kindFor(options, 'disable');
  const file = fileOf(kind);
  refuseForeign(file);
  const wasEnabled = existsSync(file);
  if (wasEnabled) {
    // Not stopped: whoever is attached stays so. What cannot be told to a manager that is not there is told by the file.
    if (kind === 'systemd') await systemctl('disable', UNIT).catch(() => {});
    rmSync(file);
    if (kind === 'systemd') await systemctl('daemon-reload').catch(() => {});
    else await launchctl('disable', `${domain()}/${LABEL}`).catch(() => {});
  }
  if (options.json) printJson({ ...serviceState(), wasEnabled });
  else print(wasEnabled ? 'disabled: the host starts with the first command again; what runs goes on\n' : 'it was not enabled\n');
}

function kindHere(): Kind | null {
  if (process.platform === 'linux') return 'systemd';
  return process.platform === 'darwin' ? 'launchd' : null;
}

function kindFor(options: Options, verb: string): Kind {
  if (isRemote(options)) throw new UsageError(`\`host ${verb}\` is for the machine that it runs on: run it on ${options.host} itself`);
  const kind = kindHere();
  if (!kind)
    throw new UsageError(
      `\`cmdop host ${verb}\` knows systemd and launchd, and ${process.platform} has neither: the host starts with the first command`,
    );
  return kind;
}

function fileOf(kind: Kind): string {
  if (kind === 'launchd') return join(homeFolder(), 'Library', 'LaunchAgents', `${LABEL}.plist`);
  return join(process.env.XDG_CONFIG_HOME || join(homeFolder(), '.config'), 'systemd', 'user', UNIT);
}

function contentOf(kind: Kind): string {
  const env = Object.fromEntries(PLACES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const service: ServiceCommand = { command: [nodePath(), ...IDLE_FLAGS, programPath('host')], env };
  return kind === 'systemd' ? systemdUnit(service) : launchdAgent(service);
}

/** A file that somebody wrote is theirs. */
function refuseForeign(file: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').includes(MADE_BY))
    throw new CmdopError('bad-configuration', `${file} was not made by cmdop: move it away first`);
}

/** Throws `bad-configuration` where no service manager of this user can be asked. */
async function mustAnswer(kind: Kind): Promise<void> {
  if (kind === 'launchd') return;
  await systemctl('show-environment').catch((error: unknown) => {
    const why = error instanceof CmdopError ? error.message : String(error);
    throw new CmdopError(
      'bad-configuration',
      `no systemd of yours answers here (${why}): log in as yourself (not by su, and not in a container), or leave it: the host starts with the first command`,
    );
  });
}

const systemctl = (...args: string[]) => told('systemctl', ['--user', ...args]);
const launchctl = (...args: string[]) => told('launchctl', args);
const domain = () => `gui/${process.getuid?.()}`;

async function hasLinger(): Promise<boolean> {
  const shown = await told('loginctl', ['show-user', userInfo().username, '--property=Linger']).catch(() => 'Linger=no'); // no login manager
  return shown.includes('Linger=yes');
}

/** What it prints. Throws `spawn-failed` with what it complains about. */
async function told(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, [...args], { encoding: 'utf8' })).stdout;
  } catch (error) {
    const { stderr, message, code } = error as { stderr?: string; message: string; code?: string | number };
    const why = code === 'ENOENT' ? `${program} is not there` : stderr?.trim().replaceAll(/\s+/g, ' ') || message;
    throw new CmdopError('spawn-failed', why);
  }
}
