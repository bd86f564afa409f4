/** What each request about checkpoints does. */
import { systemClock } from '#local/clock.ts';
import type { CHECKPOINT_METHODS } from '#protocol/checkpoints.ts';
import { CmdopError } from '#protocol/errors.ts';
import { isWithin } from '#session/plain-paths.ts';
import { isAgent } from '../agents/input-judge.ts';
import { guardedSession } from '../agents/policy-desk.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { Service } from '../service.ts';
import type { ServiceContext } from '../service-context.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { AgentCheckpoints } from './agent-checkpoints.ts';
import { CheckpointBook } from './checkpoint-book.ts';
import { Checkpoints } from './checkpoints.ts';
import { type JobOptions, JobRunner } from './job-runner.ts';

/** `CMDOP_CHECKPOINTS=off` for the host: none that nobody asked for. */
const isAutomatic = process.env.CMDOP_CHECKPOINTS !== 'off';

export function checkpointService(context: ServiceContext): Service<keyof typeof CHECKPOINT_METHODS> & { checkpoints: Checkpoints } {
  const { paths, journal, records, registry, news, desk, guard } = context;
  const runner = new JobRunner();
  const checkpoints = new Checkpoints({
    ...{ journal, records, news, runner, home: desk.home, stateDir: paths.stateDir, wallNow: systemClock.wallNow },
    book: new CheckpointBook(journal),
    mayRead: (actor, session) => guard.mayRead(actor, guardedSession(session)),
  });
  const agents = new AgentCheckpoints({ checkpoints, session: (id) => registry.get(id), isOn: () => isAutomatic });
  desk.isPrepared = (input) => agents.isPrepared(input);
  /** What was begun for a client that is gone is ended. */
  const wanted = new Map<ClientConnection, AbortController>();
  const jobFor = (connection: ClientConnection, session: LiveSession): JobOptions => {
    const controller = wanted.get(connection) ?? new AbortController();
    wanted.set(connection, controller);
    return {
      signal: controller.signal,
      progress: (done, total) => connection.event('checkpoint.progress', { session: session.id, done, total }),
    };
  };
  const { seen, acted } = sessionLookups(registry);

  /** Whatever the policy says, no agent reads or changes cmdop's own files by way of a folder that holds them. */
  const mustBeOpen = async (connection: ClientConnection, session: LiveSession): Promise<void> => {
    const { actor } = connection.who;
    if (!isAgent(actor)) return;
    for (const folder of await checkpoints.foldersOf(session))
      if (desk.protected.places.some((place) => isWithin(place, folder) || isWithin(folder, place)))
        throw new CmdopError('policy', `${folder} holds cmdop's own files: its checkpoints are for people, and ${actor.name} is an agent`);
  };

  return {
    checkpoints,
    handlers: {
      async 'checkpoint.create'(connection, { session: reference, message }, answer) {
        const session = acted(connection, reference);
        const wish = { actor: connection.who.actor, reason: 'asked' as const, message: message?.trim() || null };
        const made = await checkpoints.create(session, wish, jobFor(connection, session));
        answer({ checkpoint: checkpoints.told(made) });
      },
      async 'checkpoint.list'(connection, { session, before = Number.MAX_SAFE_INTEGER, limit }, answer) {
        answer(await checkpoints.list(seen(connection, session), { before, limit }));
      },
      async 'checkpoint.diff'(connection, params, answer) {
        // It shows what is in files: those who only look on see the terminal.
        const session = acted(connection, params.session);
        await mustBeOpen(connection, session);
        answer(await checkpoints.diff(session, params, jobFor(connection, session)));
      },
      async 'checkpoint.restore'(connection, params, answer) {
        const session = acted(connection, params.session);
        await mustBeOpen(connection, session);
        answer(await checkpoints.restore(session, params, connection.who.actor, jobFor(connection, session)));
      },
    },
    closed(connection) {
      wanted.get(connection)?.abort();
      wanted.delete(connection);
    },
    dispose() {
      agents.dispose();
      runner.dispose();
    },
  };
}
