/** What people may have open and not saved: the marks that editors leave beside a file, and files open for writing. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { BytePath } from './byte-path.ts';

/** By the marks that Vim, Emacs and LibreOffice leave. `names` are those of the folder. */
export function editedBy(name: BytePath, names: ReadonlySet<string>): string | null {
  if (['swp', 'swo', 'swn'].some((ending) => names.has(`.${name}.${ending}`))) return 'is open in Vim';
  if (names.has(`.#${name}`)) return 'is being edited in Emacs';
  if (names.has(`.~lock.${name}#`)) return 'is open in LibreOffice';
  return null;
}

/** Files below `folder` that a process has open for writing, by path, with the process. Empty where it cannot be told. */
export function openForWriting(folder: string): Map<string, number> {
  const open = new Map<string, number>();
  if (process.platform !== 'linux') return open;
  for (const pid of names('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    for (const fd of names(`/proc/${pid}/fd`)) {
      const target = orNull(() => readlinkSync(`/proc/${pid}/fd/${fd}`, 'latin1'));
      if (!target?.startsWith(`${Buffer.from(folder).toString('latin1')}/`)) continue;
      const flags = orNull(() => /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1]);
      if (flags && (Number.parseInt(flags, 8) & 3) !== 0) open.set(target, Number(pid));
    }
  }
  return open;
}

const names = (folder: string): string[] => orNull(() => readdirSync(folder)) ?? [];

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // it has ended, or is somebody else's
  }
}
