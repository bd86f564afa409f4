/** Frees memory of buffers that died young before V8 marks its whole heap for it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';

/**
 * A buffer's memory lies outside V8's heap, where its own small collections do not look: after some 14 MB of such buffers it
 * marks the whole heap instead, which took more than half of the time of a client that deciphers (4.4 s of processor
 * time for a GB, 2.1 with this). A collection of the young objects alone takes well below a millisecond.
 */
export function sweepYoungGarbage(): void {
  collect ??= minorCollection();
  collect();
}

let collect: (() => void) | null = null;

/** V8's own, which has no other way in; nothing where a runtime does not give it. */
function minorCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const found = collector.safeParse(runInNewContext('typeof gc === "function" ? gc : null')).data;
  return found ? () => found({ type: 'minor' }) : () => {};
}

const collector = z.custom<(options: { type: 'minor' }) => void>((value) => typeof value === 'function');
