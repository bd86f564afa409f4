/** Which sessions a process runs in: found by its ancestors, and by the environment that it says it has. */
import { processParents } from '../processes/process-tree.ts';

/** Deepest chain of processes that is followed. */
const MAX_DEPTH = 64;

export type Whereabouts = { pid?: number | undefined; inside?: string | undefined };

/** True if the client runs in the session with this id, whose shell is `shellPid`. */
export async function runsInside({ pid, inside }: Whereabouts, session: { id: string; shellPid: number | null }): Promise<boolean> {
  if (inside === session.id) return true;
  if (pid === undefined || session.shellPid === null) return false;
  const parentOf = await processParents();
  let each: number | undefined = pid;
  for (let depth = 0; each !== undefined && each > 1 && depth < MAX_DEPTH; depth++) {
    if (each === session.shellPid) return true;
    each = await parentOf(each);
  }
  return false;
}
