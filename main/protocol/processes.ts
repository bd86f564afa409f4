/** Requests about the processes of a session: which run, and signals to one of them. */
import { z } from 'zod';
import { integer, processRow, sessionRef } from './shapes.ts';

export const signalName = z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT']);
export type SignalName = z.infer<typeof signalName>;

export const PROCESS_METHODS = {
  'processes.list': { params: z.object({ session: sessionRef }), result: z.object({ processes: z.array(processRow) }) },
  /**
   * Sends a signal to one process of the session. `birth`, as `processes.list` gave it: so that a process which took the
   * number of one that ended is not hit. For operators. `command`: what it was.
   */
  'processes.signal': {
    params: z.object({ session: sessionRef, pid: integer, birth: z.string().max(64).optional(), signal: signalName.default('SIGTERM') }),
    result: z.object({ command: z.string() }),
  },
} as const;
