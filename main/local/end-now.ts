/** How a process ends of which nothing is worth keeping, and which nothing may hold. */

/**
 * Not `process.exit`: that waits for V8's compiler thread, which may wait for a collection that the leaving thread never
 * makes. Seen in one of ten keepers after a flood (Node 24), which stayed for ever.
 */
export function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
