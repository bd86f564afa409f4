/** A disk that refuses a write: which errors say so, of the system and of SQLite, and what helps. */

/** It cannot be written by us; `EIO` and `ESTALE`: not now. */
const UNWRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);
const FAILING = new Set(['EIO', 'ESTALE', 'ENXIO', 'ENODEV']);
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** SQLite's result codes (sqlite3.h): PERM, READONLY, CANTOPEN; IOERR, which may be a full disk too; FULL. */
const SQLITE_UNWRITABLE = new Set([3, 8, 14]);
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

type Refusal = { code?: unknown; errcode?: unknown; errstr?: unknown; message?: unknown };

/** Whether an error says that a disk refuses, and not that we or what lies there are at fault. */
export function isDiskRefusal(error: unknown): boolean {
  const { code, primary } = codesOf(error);
  return UNWRITABLE.has(code) || FAILING.has(code) || FULL.has(code) || isSqliteRefusal(primary);
}

/** Words of whoever refused. */
export function refusalText(error: unknown): string {
  const { errstr, message } = (error ?? {}) as Refusal;
  return String(errstr ?? message ?? error);
}

/** What helps, with the place that it is about. */
export function remedyOf(error: unknown, place: string): string {
  const { code, primary } = codesOf(error);
  if (UNWRITABLE.has(code) || SQLITE_UNWRITABLE.has(primary)) return `make ${place} writable`;
  if (FAILING.has(code)) return `see what is wrong with the disk of ${place}`;
  if (primary === SQLITE_IOERR) return `make room for ${place}, or see what is wrong with its disk`;
  return `make room for ${place}`;
}

const isSqliteRefusal = (primary: number) => SQLITE_UNWRITABLE.has(primary) || primary === SQLITE_IOERR || primary === SQLITE_FULL;

function codesOf(error: unknown): { code: string; primary: number } {
  const { code, errcode } = (error ?? {}) as Refusal;
  return { code: String(code ?? ''), primary: typeof errcode === 'number' ? errcode & 0xff : 0 };
}
