/** Time as an argument: leases, timeouts and durations use it, so that tests and simulations own it. */

export interface Clock {
  /** Monotonic, milliseconds; jumps of the wall clock do not show. */
  now(): number;
  /** Unix time, milliseconds; only to tell people. */
  wallNow(): number;
  /** Calls `callback` once after `delayMs`, unless the returned function was called before. */
  after(delayMs: number, callback: () => void): () => void;
}
