/** How a worker process of the host ends: nothing it has is worth keeping, and nothing may hold it. */

/**
 * Not `process.exit`: that waits for V8's compiler thread, which may wait for a collection that the leaving thread never
 * makes. Seen in one of ten keepers after a flood (Node 24), which stayed for ever.
 */
export function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
