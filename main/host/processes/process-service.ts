/** What the requests about processes do: a session's own are listed, and signalled in the name of who asked. */
import { CmdopError } from '#protocol/errors.ts';
import type { PROCESS_METHODS } from '#protocol/processes.ts';
import type { Journal } from '../journal/journal.ts';
import type { Registry } from '../registry.ts';
import { oldestThatFit } from '../screen/rows-that-fit.ts';
import type { Service } from '../service.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { isStill, processOf, processTree } from './process-tree.ts';

export function processService(context: { registry: Registry; journal: Journal }): Service<keyof typeof PROCESS_METHODS> {
  const { registry, journal } = context;
  const { seen, acted } = sessionLookups(registry);
  return {
    handlers: {
      async 'processes.list'(connection, params, answer) {
        const session = seen(connection, params.session);
        answer({ processes: session.shellPid === null ? [] : oldestThatFit(await processTree(session.shellPid)) });
      },
      async 'processes.signal'(connection, params, answer) {
        const { actor } = connection.who;
        const { pid, birth, signal } = params;
        const session = acted(connection, params.session);
        if (session.shellPid === null) throw new CmdopError('session-ended', `${session.name} has ended: no process of it runs`);
        const found = await processOf(session.shellPid, pid);
        // Asked again: who may act may have changed meanwhile, and the process may be another.
        session.roles.mustAct(actor, session.control.agentsPaused);
        if (!found || (birth !== undefined && found.birth !== undefined && found.birth !== birth) || !isStill(found)) {
          throw new CmdopError(
            'process-not-found',
            `${pid} is no process of ${session.name}, or not any more: look with \`cmdop ps ${session.name}\``,
          );
        }
        const { command } = found;
        journal.append({
          session: session.id,
          actor: actor.id,
          interface: actor.interface,
          kind: 'signal',
          outputOffset: session.output.end,
          payload: { signal, pid, command },
        });
        try {
          process.kill(pid, signal);
        } catch (error) {
          throw new CmdopError('process-not-found', `${pid} (${command}) could not be signalled: ${(error as Error).message}`);
        }
        answer({ command });
      },
    },
    closed: () => {},
    dispose: () => {},
  };
}
