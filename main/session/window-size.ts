/** Whose window decides the size of a session's terminal. Pure. */
import type { ClientId } from '#protocol/ids.ts';
import type { Role, Size } from '#protocol/shapes.ts';

export type Window = {
  readonly client: ClientId;
  readonly role: Role;
  /** Absent where a client has no window, such as `cmdop send`. */
  readonly size: Size | undefined;
  /** Grows with every attach and resize: the higher, the later. */
  readonly order: number;
};

/**
 * The controller's window; while nobody with a window has control, the operator's window that was attached or resized
 * last; observers never resize anything. Null: leave the size as it is.
 */
export function decideSize(windows: Iterable<Window>, controller: ClientId | null): Size | null {
  let latest: Window | null = null;
  for (const window of windows) {
    if (!window.size || window.role === 'observer') continue;
    if (window.client === controller) return window.size;
    if (!latest || window.order > latest.order) latest = window;
  }
  return latest?.size ?? null;
}
