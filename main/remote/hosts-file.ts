/**
 * `hosts.json`: names for hosts that are reached otherwise than by SSH under their own name. Written by people and by
 * `cmdop hosts add`:
 *
 *   { "hosts": {
 *       "web":    { "command": ["docker", "exec", "-i", "web", "cmdop", "bridge"] },
 *       "pod":    { "command": ["kubectl", "exec", "-i", "cmdop-0", "--", "cmdop", "bridge"] },
 *       "build":  { "ssh": "ci@build.example.org:2222" },
 *       "box":    { "share": { "socket": "/tmp/cmdop-shared-1000/host.sock", "host": "SHA256:…" } } } }
 *
 * `share` is what `cmdop join` writes: the host of somebody who invited us.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { localPaths } from '#local/paths.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';

/** Largest file that is read, bytes: ten thousand hosts. */
const MAX_FILE_BYTES = 1024 * 1024;

const fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/);

const share = z.strictObject({
  /** Path of its shared socket, on this machine or on the one that `ssh` reaches. */
  socket: z.string().min(1).max(1024),
  /** Fingerprint of its key. */
  host: fingerprint,
  /** Id of the session, where the invite is one of several. */
  session: z.string().min(1).max(256).optional(),
  /** Fingerprint of our key that is invited there; that of our key file where it is not said. */
  key: fingerprint.optional(),
  /** An account of ours on its machine. */
  ssh: z.string().min(1).max(256).optional(),
});
export type ShareEntry = z.infer<typeof share>;

const entry = z.union(
  [
    z.strictObject({ command: z.array(z.string().min(1).max(4096)).min(1, 'needs at least a program').max(256) }),
    z.strictObject({ ssh: z.string().min(1).max(256) }),
    z.strictObject({ share }),
  ],
  { error: 'must be {"command": ["PROGRAM", "ARGUMENT", …]} or {"ssh": "HOST"}, or what `cmdop join` writes' },
);
const file = z.strictObject({ hosts: z.record(z.string(), entry) });

export type HostEntry = z.infer<typeof entry>;
export type HostEntries = Readonly<Record<string, HostEntry>>;

export const hostsFile = (env: NodeJS.ProcessEnv = process.env): string => join(localPaths(env).configDir, 'hosts.json');

/** Empty where there is no file. Throws `bad-configuration` with the place of the first mistake. */
export function readHosts(path: string = hostsFile()): HostEntries {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw mistake(path, `cannot be read (${(error as Error).message})`);
  }
  if (text.length > MAX_FILE_BYTES) throw mistake(path, `is larger than ${MAX_FILE_BYTES} bytes`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw mistake(path, `is no JSON: ${(error as Error).message}`);
  }
  const checked = file.safeParse(parsed);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw mistake(path, `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'not valid'}`);
  }
  for (const name of Object.keys(checked.data.hosts)) checkName(name, (why) => mistake(path, `hosts.${name}: ${why}`));
  return checked.data.hosts;
}

/** Throws `bad-configuration` if the name is none, or is taken. */
export function addHost(name: string, added: HostEntry, path: string = hostsFile()): void {
  mustBeNewHost(name, path);
  write(path, { ...readHosts(path), [name]: added });
}

/** Throws as `addHost`, before anything that cannot be taken back is done under the name. */
export function mustBeNewHost(name: string, path: string = hostsFile()): void {
  checkName(name, (why) => new CmdopError('bad-configuration', `"${name}" is no name for a host: ${why}`));
  if (Object.hasOwn(readHosts(path), name))
    throw new CmdopError('name-taken', `${name} is in ${path} already: choose another name, or \`cmdop hosts remove ${name}\` first`);
}

/** As `addHost`, in the place of what has the name. */
export function replaceHost(name: string, added: HostEntry, path: string = hostsFile()): void {
  checkName(name, (why) => new CmdopError('bad-configuration', `"${name}" is no name for a host: ${why}`));
  write(path, { ...readHosts(path), [name]: added });
}

/** Throws `bad-configuration` if there is none. */
export function removeHost(name: string, path: string = hostsFile()): void {
  const { [name]: removed, ...rest } = readHosts(path);
  if (!removed) throw new CmdopError('bad-configuration', `${name} is not in ${path}: \`cmdop hosts\` shows what is`);
  write(path, rest);
}

/** Whole or not at all, so that who reads at that moment sees the old file or the new one. */
function write(path: string, hosts: HostEntries): void {
  const checked = file.safeParse({ hosts });
  if (!checked.success)
    throw new CmdopError('bad-configuration', `${path} cannot take this: ${checked.error.issues[0]?.path.join('.')} is not valid`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, `${JSON.stringify({ hosts }, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

function checkName(name: string, failure: (why: string) => CmdopError): void {
  if (name === LOCAL_HOST) throw failure('that is this machine');
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._@:-]{0,63}$/u.test(name)) throw failure('write letters, digits and . _ - @ : (64 at most)');
}

const mistake = (path: string, why: string) => new CmdopError('bad-configuration', `${path} ${why}: correct it, or remove the file`);
