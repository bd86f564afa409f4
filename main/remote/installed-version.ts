/** The last step of an installation, by the new version itself on its own machine: it takes its place among the others. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** VERSION-HASH, as `folderName` makes it. */
const VERSION_FOLDER = /^\d+\.\d+\.\d+[\w.-]*-[0-9a-f]{12}$/;

type Place = {
  /** Where the version lies: below `folder`, or in its `upload`. */
  readonly from: string;
  /** Holds every version. */
  readonly folder: string;
  /** Of the account. */
  readonly home: string;
};

/**
 * Returns what the person should know. Each step is whole or not done, and all can be done again. Throws where the version
 * cannot become the one in use, and leaves everything as it was without it.
 */
export function takePlace({ from, folder, home }: Place): string[] {
  const name = from.split('/').at(-1) ?? '';
  const target = join(folder, name);
  const current = join(folder, 'current');
  const before = linkTarget(current);
  // Somebody else may have been faster: sessions run from there already.
  const isThere = resolve(from) === resolve(target) || lstatSync(join(target, 'bin', 'cmdop'), { throwIfNoEntry: false }) !== undefined;
  if (!isThere) {
    rmSync(target, { recursive: true, force: true });
    renameSync(from, target);
  }
  let remarks: string[];
  try {
    link(current, name);
    remarks = linkCommand({ folder, home });
  } catch (error) {
    if (before !== null) link(current, before);
    else if (linkTarget(current) === name) rmSync(current);
    if (!isThere) rmSync(target, { recursive: true, force: true });
    throw error;
  }
  rmSync(join(folder, 'upload'), { recursive: true, force: true });
  const inUse = runningPrograms();
  const real = realpathSync(folder);
  for (const other of readdirSync(folder)) {
    if (!VERSION_FOLDER.test(other) || other === name || other === before) continue;
    // Keepers run from their own version's folder for as long as their session lives.
    const places = [join(real, other), join(folder, other)];
    if (inUse === null || inUse.some((program) => places.some((place) => program.includes(`${place}/`)))) continue;
    rmSync(join(folder, other), { recursive: true, force: true });
  }
  return remarks;
}

/** ~/.local/bin/cmdop, unless something else has that name. */
function linkCommand({ folder, home }: { folder: string; home: string }): string[] {
  const command = join(home, '.local', 'bin', 'cmdop');
  const target = join(folder, 'current', 'bin', 'cmdop');
  const existing = lstatSync(command, { throwIfNoEntry: false });
  if (existing && realPath(command) !== realPath(target)) return [`${command} is something else and was left as it is; ours is ${target}`];
  mkdirSync(dirname(command), { recursive: true });
  if (!existing) link(command, target);
  return [];
}

/** In one step: who looks at that moment finds the old target or the new one. */
function link(path: string, target: string): void {
  const temporary = `${path}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // none, or no link
  }
}

/** Null if nothing is there. */
function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null; // a link to nothing is somebody else's
  }
}

/**
 * Of every process that may be seen, its program and arguments: the first without links in its path, as the system tells
 * it of processes of the same account, the others as they were given. Null where there is no such list.
 */
function runningPrograms(): string[] | null {
  try {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .map((pid) => `${linkTarget(`/proc/${pid}/exe`) ?? ''}\0${textOf(`/proc/${pid}/cmdline`)}`);
  } catch {
    return null; // not Linux: old versions stay
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}
