/** The service that starts the host at login, where `cmdop host enable` made one: where its file is, and starting it now. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { homeFolder } from './home-folder.ts';
import { IDLE_FLAGS, nodePath, programPath } from './runtime.ts';
import { LABEL, launchdAgent, type ServiceCommand, systemdUnit } from './service-files.ts';

export const UNIT = 'cmdop.service';
/** What moves the host's folders: a service that did not know it would be another host. */
const PLACES = ['CMDOP_HOME', 'XDG_STATE_HOME', 'XDG_CONFIG_HOME'] as const;
/** systemd answers at once, or is busy; then the host is started without it, milliseconds. */
const PATIENCE_MS = 3_000;

export type ServiceKind = 'systemd' | 'launchd';

/** Null on systems that have no such service. */
export function serviceKind(): ServiceKind | null {
  if (process.platform === 'linux') return 'systemd';
  return process.platform === 'darwin' ? 'launchd' : null;
}

export function serviceFile(kind: ServiceKind): string {
  if (kind === 'launchd') return join(homeFolder(), 'Library', 'LaunchAgents', `${LABEL}.plist`);
  return join(process.env.XDG_CONFIG_HOME || join(homeFolder(), '.config'), 'systemd', 'user', UNIT);
}

/** What the file says that starts this build, with this home. */
export function serviceContent(kind: ServiceKind): string {
  const env = Object.fromEntries(PLACES.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  const service: ServiceCommand = { command: [nodePath(), ...IDLE_FLAGS, programPath('host')], env };
  return kind === 'systemd' ? systemdUnit(service) : launchdAgent(service);
}

/**
 * Has systemd start the host, where it would start this very one: else a host started here would be none of its own after a
 * crash, and nothing would look after it. False where it did not; then it is started as if there were no service.
 */
export async function startService(): Promise<boolean> {
  if (serviceKind() !== 'systemd') return false;
  const file = serviceFile('systemd');
  if (!existsSync(file) || readFileSync(file, 'utf8') !== serviceContent('systemd')) return false;
  const systemctl = (...args: string[]) => promisify(execFile)('systemctl', ['--user', ...args], { timeout: PATIENCE_MS });
  try {
    await systemctl('start', UNIT);
    const { stdout } = await systemctl('show', '--property=MainPID', '--value', UNIT);
    return Number(stdout) > 0;
  } catch {
    return false; // no systemd of this user answers, as under `su`
  }
}
