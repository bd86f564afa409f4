/** What React shows about one session's terminal: an immutable value, replaced only when something displayed changed. Pure. */
import type { CmdopError } from '#protocol/errors.ts';
import type { Control, Role, SessionEnd, Size } from '#protocol/shapes.ts';

export type Refusal = { readonly reason: string; readonly message: string };

export type TerminalView = {
  /** `attaching` before the first answer of the host, `cut` while the link is down. */
  state: 'attaching' | 'attached' | 'cut' | 'ended' | 'failed';
  role: Role;
  control: Control | null;
  hasControl: boolean;
  /** Units that wait for a verdict for longer than on a good link. */
  pendingUnits: number;
  size: Size;
  /** What would fit in this window; null until it was shown. */
  windowSize: Size | null;
  /** Why the last input was not typed. */
  refusal: Refusal | null;
  /** An owner lets this client look only, though it asked for more. */
  isDemoted: boolean;
  end: SessionEnd | null;
  /** Why its host cannot reach the session yet, a sentence. */
  waiting: string | null;
  failure: CmdopError | null;
  isAlternate: boolean;
  /** The first screen is still being replayed: not worth seeing. */
  isReplaying: boolean;
};

export function isSameView(a: TerminalView, b: TerminalView): boolean {
  const { size, windowSize, ...rest } = a;
  const isSameSize = (one: Size | null, other: Size | null) => one?.cols === other?.cols && one?.rows === other?.rows;
  return (
    isSameSize(size, b.size) &&
    isSameSize(windowSize, b.windowSize) &&
    Object.entries(rest).every(([key, value]) => Object.is(value, Reflect.get(b, key)))
  );
}
