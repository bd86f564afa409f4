/** The terminal that a session is shown in: a person's own, or the one behind an SSH guest. */
import type { Size } from '#protocol/shapes.ts';

export type Tty = {
  readonly size: Size;
  write(bytes: Uint8Array | string): void;
  /** Calls back once the terminal may be given more: what was written has left this process, as far as that is known. */
  whenTaken(then: () => void): void;
};

export type TtyListener = {
  input(bytes: Uint8Array): void;
  resized(size: Size): void;
  /** Stopped and continued from outside: everything must be drawn again. */
  continued(): void;
  /** The terminal is gone. */
  closed(): void;
  /** What to print before the terminal is given back, when this process is ended. */
  leaving(): string;
};
