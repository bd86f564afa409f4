/** `new` and `restart`: start a session in this folder, or a shell in an ended one, and attach to it. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { cleanEnvironment } from '#local/clean-environment.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { AttachSettings } from './attach.ts';
import { type Globals, hostOf, isRemote, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { note, print } from './output.ts';
import { windowSize } from './raw-tty.ts';

/** What a session takes over (told in program.ts) from where it was made; the rest is the host's, or set by the user's shell. */
const PASSED_ON = /^(DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|SSH_AUTH_SOCK|SSH_CONNECTION|LANG|LANGUAGE|LC_.+|TZ|PATH)$/;
/** The rest names things of this machine. */
const PASSED_ON_FAR = /^(LANG|LANGUAGE|LC_.+)$/;

export type NewOptions = AttachSettings & { cwd?: string; detach?: boolean };

export async function create(options: NewOptions, name: string | undefined, command: readonly string[]): Promise<void> {
  const isAttaching = mayAttach(options);
  const created = () =>
    withClient(options, (client) =>
      client.request('session.create', {
        ...(isRemote(options) ? (options.cwd === undefined ? {} : { cwd: options.cwd }) : { cwd: folderOf(options.cwd) }),
        env: passedOn(options),
        ...(name === undefined ? {} : { name }),
        ...(command.length > 0 ? { command: [...command] } : {}),
        ...(isAttaching ? { size: windowSize() } : {}),
      }),
    );
  const { session } = await created().catch(async (error: unknown) => {
    if (!isAttaching || !isRemote(options) || !(error instanceof CmdopError) || error.code !== 'not-installed') throw error;
    note(`${hostOf(options)} has no cmdop yet`);
    await (await import('./hosts-install.ts')).installOn(hostOf(options), {});
    return created();
  });
  if (isAttaching) await (await import('./attach.ts')).attach(options, session.id);
  else print(`${session.name}\n`);
  if (!isAttaching) noteUnreachable(session);
}

/** Its program runs all the same. */
function noteUnreachable({ name, unreachable }: SessionSummary): void {
  if (unreachable !== undefined) note(`${name} runs, but ${unreachable}: it is there as soon as that changes`);
}

export async function restart(options: AttachSettings & { detach?: boolean }, reference: string): Promise<void> {
  const { session, isHome } = await withClient(options, (client) =>
    client.request('session.restart', { session: sessionRef(reference), env: passedOn(options) }),
  );
  if (mayAttach(options)) return (await import('./attach.ts')).attach(options, session.id);
  if (isHome) note(`its folder is gone: the shell is in ${session.cwd}`);
  print(`${session.name}\n`);
  noteUnreachable(session);
}

const mayAttach = ({ detach }: { detach?: boolean }) => !detach && process.stdout.isTTY && process.stdin.isTTY;

function folderOf(given: string | undefined): string {
  if (given === undefined) return process.cwd();
  const folder = resolve(given);
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new UsageError(`${folder} is no folder: give --cwd one that is there`);
  return folder;
}

function passedOn(globals: Globals): Record<string, string> {
  const names = isRemote(globals) ? PASSED_ON_FAR : PASSED_ON;
  return Object.fromEntries(Object.entries(cleanEnvironment(process.env)).filter(([name, value]) => names.test(name) && value !== ''));
}
