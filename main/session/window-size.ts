/**
 * Whose window decides the size of a session's terminal. Pure: time comes in as an argument.
 *
 * Two windows whose people type in turn must not make the program redraw at every turn: a window that lost the decision
 * a short while ago gets it back only after its client had control for some time.
 */
import type { ClientId } from '#protocol/ids.ts';
import type { Role, Size, SizePolicy } from '#protocol/shapes.ts';

/** A window that lost the decision less long ago must hold control for a while to get it back, milliseconds. */
const RECENT_MS = 30_000;
/** That while, milliseconds: longer than a turn between two people, shorter than anybody waits for their window. */
const HOLD_MS = 10_000;

export type Window = {
  readonly client: ClientId;
  readonly role: Role;
  /** Absent where a client has no window, such as `cmdop send`. */
  readonly size: Size | undefined;
  /** Grows with every attach, resize and gain of control: the higher, the later. */
  readonly order: number;
};

export type SizeDecision = {
  /** Null: leave the size as it is. */
  size: Size | null;
  /** Ask again after so many milliseconds; null: nothing is held back. */
  againInMs: number | null;
};

export class SizeRule {
  #decider: ClientId | null = null;
  /** Since when another window would decide, but must wait. */
  #candidate: { client: ClientId; since: number } | null = null;
  /** When a window lost the decision. */
  readonly #lostAt = new Map<ClientId, number>();

  /**
   * Policy `controller`: the controller's window; while nobody with a window has control, the operator's window that was
   * attached, resized or in control last. Observers never resize anything.
   */
  decide(state: { windows: Iterable<Window>; controller: ClientId | null; policy: SizePolicy; now: number }): SizeDecision {
    const windows = [...state.windows].filter((window): window is Window & { size: Size } => !!window.size && window.role !== 'observer');
    const { policy, now } = state;
    if (typeof policy === 'object') return { size: policy, againInMs: null };
    if (policy !== 'controller') return { size: extremeSize(windows, policy === 'largest' ? Math.max : Math.min), againInMs: null };
    const latest = windows.toSorted((a, b) => b.order - a.order)[0];
    const wanted = windows.find(({ client }) => client === state.controller) ?? latest;
    for (const client of this.#lostAt.keys()) if (!windows.some((window) => window.client === client)) this.#lostAt.delete(client);
    if (!wanted) return { size: null, againInMs: null };
    const current = windows.find(({ client }) => client === this.#decider);
    const waitMs = current && current !== wanted ? this.#waitMs(wanted.client, now) : 0;
    if (current && waitMs > 0) return { size: current.size, againInMs: waitMs };
    if (current && current !== wanted) this.#lostAt.set(current.client, now);
    else if (this.#candidate) this.#lostAt.set(this.#candidate.client, now); // they go on in turn
    this.#decider = wanted.client;
    this.#candidate = null;
    return { size: wanted.size, againInMs: null };
  }

  #waitMs(client: ClientId, now: number): number {
    if (this.#candidate?.client !== client) this.#candidate = { client, since: now };
    const sinceLostMs = now - (this.#lostAt.get(client) ?? Number.NEGATIVE_INFINITY);
    return Math.min(RECENT_MS - sinceLostMs, HOLD_MS - (now - this.#candidate.since));
  }
}

function extremeSize(windows: readonly { size: Size }[], extreme: (...values: number[]) => number): Size | null {
  if (windows.length === 0) return null;
  return { cols: extreme(...windows.map(({ size }) => size.cols)), rows: extreme(...windows.map(({ size }) => size.rows)) };
}
