/** What a keeper is told once, on its stdin, when a host starts it. */
import type { PtySpec } from './pty.ts';
import { MAX_META_BYTES } from './wire-messages.ts';

export type KeeperSpec = PtySpec & {
  session: string;
  socket: string;
  meta: Record<string, unknown>;
  /** Where the output of an earlier keeper of this session ends; 0 when absent. */
  startOffset?: number;
  /** Printed before the program starts. */
  banner?: string;
};

/** Throws RangeError where no host could hear in one frame what this keeper would tell it. */
export function refuseTooMuch({ session, meta }: Pick<KeeperSpec, 'session' | 'meta'>): void {
  const bytes = Buffer.byteLength(JSON.stringify(session)) + Buffer.byteLength(JSON.stringify(meta));
  if (bytes <= MAX_META_BYTES) return;
  throw new RangeError(`its name and what it is to tell later hosts take ${bytes} bytes, and it can tell ${MAX_META_BYTES}`);
}
