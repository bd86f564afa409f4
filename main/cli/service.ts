/** `host enable` and `disable`: the operating system starts the host at login, and again when it fails. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type ServiceKind, serviceContent, serviceFile, serviceKind, UNIT } from '#local/service.ts';
import { LABEL, MADE_BY } from '#local/service-files.ts';
import { CmdopError } from '#protocol/errors.ts';
import { type Globals, isRemote } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { note, print, printJson } from './output.ts';

type Options = Globals & { json?: boolean };

/** As `host status` tells it; null on systems that have no such service. */
export type ServiceState = {
  kind: ServiceKind;
  file: string;
  isEnabled: boolean;
  /** It starts this build. */
  isCurrent: boolean;
};

/** Never asks the service manager: what the file says. */
export function serviceState(): ServiceState | null {
  const kind = serviceKind();
  if (!kind) return null;
  const file = serviceFile(kind);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : null;
  return { kind, file, isEnabled: text !== null, isCurrent: text !== null && text === serviceContent(kind) };
}

export async function enable(options: Options): Promise<void> {
  const kind = kindFor(options, 'enable');
  const file = serviceFile(kind);
  refuseForeign(file);
  await mustAnswer(kind);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : null;
  const content = serviceContent(kind);
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
  const file = serviceFile(kind);
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

function kindFor(options: Options, verb: string): ServiceKind {
  if (isRemote(options)) throw new UsageError(`\`host ${verb}\` is for the machine that it runs on: run it on ${options.host} itself`);
  const kind = serviceKind();
  if (!kind)
    throw new UsageError(
      `\`cmdop host ${verb}\` knows systemd and launchd, and ${process.platform} has neither: the host starts with the first command`,
    );
  return kind;
}

/** A file that somebody wrote is theirs. */
function refuseForeign(file: string): void {
  if (existsSync(file) && !readFileSync(file, 'utf8').includes(MADE_BY))
    throw new CmdopError('bad-configuration', `${file} was not made by cmdop: move it away first`);
}

/** Throws `bad-configuration` where no service manager of this user can be asked. */
async function mustAnswer(kind: ServiceKind): Promise<void> {
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
