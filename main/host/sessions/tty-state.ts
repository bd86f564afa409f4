/**
 * How a session's terminal is set now, read from the terminal itself: whether it echoes, and whether it gives whole lines.
 *
 * The program's side is held open from the first question on: to open and close it costs ten times as much as to ask.
 * Whoever holds it keeps the session from ending, so it is let go of when the keeper says that the program has exited; for a
 * keeper that does not say so it is opened for the moment of each question. Where it cannot be read (Windows, no native part), nothing is known, which is told as null.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export type TtyModes = { isCanonical: boolean; isEchoing: boolean };
export type Tty = Pick<TtyState, 'read' | 'unreadBytes' | 'dropUnread' | 'release'>;

/** Where `c_lflag` lies in `struct termios`, its bits, the name of the input queue for `tcflush`, and that of FIONREAD. */
const LAYOUT = {
  linux: { at: 12, icanon: 0x2, echo: 0x8, noFlush: 0x80, inputQueue: 0, fionread: 0x541b },
  darwin: { at: 24, icanon: 0x100, echo: 0x8, noFlush: 0x80000000, inputQueue: 1, fionread: 0x4004667f },
};
/** Larger than any system's `struct termios`, bytes. */
const TERMIOS_BYTES = 256;

const layout = process.platform === 'linux' || process.platform === 'darwin' ? LAYOUT[process.platform] : null;
type Pointer = { readonly pointer: unique symbol };
/** `struct pollfd`: a descriptor, what is asked of it and, from here on, what is so. */
const POLLED_AT = 6;
const POLLIN = 0x1;

type Terminals = {
  tcgetattr(fd: number, into: Pointer): number;
  tcflush(fd: number, queue: number): number;
  ioctl(fd: number, request: number, type: 'void *', into: Pointer): number;
  poll(fds: Pointer, count: number, timeoutMs: number): number;
  /** Where they answer, seen from both sides: to hand over a Buffer costs a microsecond more. */
  at: Pointer;
  answer: Buffer;
};
let terminals: Terminals | null | undefined;

export class TtyState {
  readonly #pid: number;
  /** Null while unknown. */
  #path: string | null = null;
  #isAsking = false;
  #mayHold: boolean;
  #held: number | null = null;

  /**
   * `pid`: a process that has the terminal as its own, as the session's shell does. `mayHold`: `release` is called when the
   * program has exited.
   */
  constructor({ pid, mayHold }: { pid: number; mayHold: boolean }) {
    this.#pid = pid;
    this.#mayHold = mayHold;
  }

  /** Synchronous; about a microsecond while the terminal is held. */
  read(): TtyModes | null {
    return this.#ask((_terminals, _fd, { icanon, echo }, flags) => ({
      isCanonical: (flags & icanon) !== 0,
      isEchoing: (flags & echo) !== 0,
    }));
  }

  /** What its program has not read: where it gives whole lines, of those. Null where that cannot be told. */
  unreadBytes(): number | null {
    return this.#ask((terminals, fd, known) => {
      hasInput(terminals, fd); // what is on its way into it is not counted
      return countUnread(terminals, fd, known);
    });
  }

  /**
   * Drops what the program has not read, also what is on its way into the terminal, as that does itself when an interrupt is
   * typed; `isKept`: not where it is told to keep it then. All at once, and nothing of it is read here: a program that reads
   * meanwhile must not get what lay behind something that is gone. Answers whether there was a line, or keys where there are
   * no lines.
   */
  dropUnread({ isKept }: { isKept: boolean }): boolean {
    const found = this.#ask((terminals, fd, known, flags) => {
      if (isKept && (flags & known.noFlush) !== 0) return false;
      const hadInput = hasInput(terminals, fd) || (countUnread(terminals, fd, known) ?? 0) > 0;
      terminals.tcflush(fd, known.inputQueue);
      return hadInput;
    });
    return found ?? false;
  }

  /** The terminal is not held any more, nor is it again. */
  release(): void {
    this.#mayHold = false;
    this.#letGo();
  }

  #ask<T>(question: (terminals: Terminals, fd: number, known: NonNullable<typeof layout>, flags: number) => T): T | null {
    if (!layout) return null;
    terminals ??= loadTerminals();
    if (!terminals) return null;
    // After a hang-up, as `login` makes one, what was opened before answers nothing.
    if (this.#held !== null && terminals.tcgetattr(this.#held, terminals.at) !== 0) this.#letGo();
    try {
      if (this.#held === null && !this.#open(terminals)) return null;
      const fd = this.#held;
      return fd === null ? null : question(terminals, fd, layout, terminals.answer.readUInt32LE(layout.at));
    } finally {
      if (!this.#mayHold) this.#letGo();
    }
  }

  /** Whether it could be opened, and asked. */
  #open({ tcgetattr, at }: Terminals): boolean {
    const path = this.#path ?? this.#find();
    if (path === null) return false;
    try {
      this.#held = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
      if (tcgetattr(this.#held, at) === 0) return true;
    } catch {
      // the terminal is gone: so is its program
    }
    this.#letGo();
    return false;
  }

  #letGo(): void {
    if (this.#held !== null) closeSync(this.#held);
    this.#held = null;
  }

  #find(): string | null {
    if (process.platform === 'linux') this.#path = linuxTty(this.#pid);
    else if (!this.#isAsking) {
      this.#isAsking = true;
      execFile('ps', ['-o', 'tty=', '-p', String(this.#pid)], (_error, stdout) => {
        const name = stdout.trim();
        if (/^[a-z]+\d+$/.test(name)) this.#path = `/dev/${name}`;
        this.#isAsking = false;
      });
    }
    return this.#path;
  }
}

/** Whether a read would give something; on Linux only after what is on its way is in. Takes nothing. */
function hasInput({ poll, at, answer }: Terminals, fd: number): boolean {
  answer.writeInt32LE(fd);
  answer.writeInt32LE(POLLIN, 4); // and that nothing is so yet
  return poll(at, 1, 0) === 1 && (answer.readInt16LE(POLLED_AT) & POLLIN) !== 0;
}

function countUnread({ ioctl, at, answer }: Terminals, fd: number, { fionread }: NonNullable<typeof layout>): number | null {
  return ioctl(fd, fionread, 'void *', at) === 0 ? answer.readInt32LE() : null;
}

/** The terminal of a process by its number; null where it has none (yet). */
function linuxTty(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const device = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4]);
    const major = (device >> 8) & 0xfff;
    const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
    // 136 to 143 are the devices of /dev/pts.
    return major >= 136 && major <= 143 ? `/dev/pts/${(major - 136) * 256 + minor}` : null;
  } catch {
    return null; // it has ended
  }
}

function loadTerminals(): Terminals | null {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const lib = koffi.load(process.platform === 'darwin' ? '/usr/lib/libSystem.B.dylib' : null);
    const at = koffi.alloc('uint8_t', TERMIOS_BYTES) as Pointer;
    return {
      at,
      answer: Buffer.from(koffi.view(at, TERMIOS_BYTES)),
      tcgetattr: lib.func('int tcgetattr(int fd, void *termios)') as unknown as Terminals['tcgetattr'],
      ioctl: lib.func('int ioctl(int fd, unsigned long request, ...)') as unknown as Terminals['ioctl'],
      poll: lib.func('int poll(void *fds, unsigned long count, int timeout)') as unknown as Terminals['poll'],
      tcflush: lib.func('int tcflush(int fd, int queue)') as unknown as Terminals['tcflush'],
    };
  } catch (error) {
    console.error('terminals cannot be asked for their modes, so that password prompts are known by the missing echo only:', error);
    return null;
  }
}
