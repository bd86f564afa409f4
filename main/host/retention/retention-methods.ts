/** What the requests about retention do. */
import { systemClock } from '#local/clock.ts';
import type { RETENTION_METHODS } from '#protocol/retention.ts';
import type { ClientConnection } from '../client-connection.ts';
import type { HostNews } from '../host-news.ts';
import { newestThatFit } from '../screen/rows-that-fit.ts';
import type { Service } from '../service.ts';
import { mustBeHuman } from '../sessions/session-roles.ts';
import { GRACE_MS, Pruner, type PrunerOptions } from './pruner.ts';

export type RetentionContext = Omit<PrunerOptions, 'wallNow'> & { news: HostNews };

export function retentionService(context: RetentionContext): Service<keyof typeof RETENTION_METHODS> {
  const { journal, news, records, registry, settings } = context;
  const pruner = new Pruner({ ...context, wallNow: systemClock.wallNow });
  /** The table of access refuses agents before; this is the second lock. */
  const person = (connection: ClientConnection) => {
    const { actor } = connection.who;
    mustBeHuman(actor);
    return actor;
  };
  return {
    handlers: {
      async 'retention.get'(_connection, _params, answer) {
        const sessions = (await pruner.kept()).map(({ excessBytes: _, ...kept }) => kept);
        const sessionsBytes = sessions.reduce((sum, { bytes }) => sum + bytes, 0);
        const journalBytes = await pruner.journalBytes();
        const checkpointsBytes = await pruner.checkpointsBytes();
        const { retention: limits, prunedAt } = settings;
        answer({ limits, sessions: newestThatFit(sessions), sessionsBytes, journalBytes, checkpointsBytes, prunedAt });
      },
      'retention.set'(connection, { limits }, answer) {
        const by = person(connection);
        const given = Object.entries(limits).filter(([, value]) => value !== undefined);
        settings.set({ retention: { ...settings.retention, ...Object.fromEntries(given) } });
        const payload = { is: 'limits', ...settings.retention };
        journal.append({ session: null, actor: by.id, interface: by.interface, kind: 'retention', outputOffset: null, payload });
        pruner.schedule(GRACE_MS);
        answer({ limits: settings.retention });
      },
      'retention.pin'(connection, { session: reference, isPinned }, answer) {
        const by = person(connection);
        const session = registry.find(reference);
        session.roles.mustAct(by, false);
        session.stored.isPinned = isPinned;
        records.saveSession(session.stored);
        const payload = { is: isPinned ? 'pinned' : 'unpinned' };
        const { id, interface: via } = by;
        journal.append({ session: session.id, actor: id, interface: via, kind: 'retention', outputOffset: session.output.end, payload });
        news.sessionChanged(session);
        answer({ session: session.summary() });
      },
      'retention.prune': async (connection, params, answer) => answer(await pruner.prune(person(connection), params)),
    },
    closed: () => {},
    dispose: () => pruner.dispose(),
  };
}
