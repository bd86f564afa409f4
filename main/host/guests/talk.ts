/** Pointing and talking: what people who see one session show and say to each other, beside the program and never into it. */
import type { Talked } from '#protocol/guests.ts';
import type { EventName, EventParams } from '#protocol/messages.ts';
import type { JournalEvent } from '#protocol/shapes.ts';
import type { ClientConnection, Handlers } from '../client-connection.ts';
import type { HostNews } from '../host-news.ts';
import type { Journal } from '../journal/journal.ts';
import type { Records } from '../journal/records.ts';
import { talkPayload } from '../journal/stored-shapes.ts';
import type { Registry } from '../registry.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { mustBeHuman } from '../sessions/session-roles.ts';
import { pointedLines } from './pointed-lines.ts';
import { saidText, TalkPace } from './said-text.ts';

/** How long lines stay marked, milliseconds. */
const SHOWN_MS = 15_000;

export type TalkContext = {
  registry: Registry;
  journal: Journal;
  records: Records;
  news: HostNews;
  clock: { now(): number; wallNow(): number };
};

export function talkHandlers(context: TalkContext): Pick<Handlers, 'share.say' | 'share.talk' | 'share.point'> {
  const { registry, journal, records, news, clock } = context;
  const { seen } = sessionLookups(registry);
  const pace = new TalkPace();

  /** A session in which somebody may talk now. Throws `kicked`, `not-owner` and `busy`. */
  const talkingIn = (connection: ClientConnection, reference: string): LiveSession => {
    const { actor } = connection.who;
    const session = seen(connection, reference);
    mustBeHuman(actor);
    pace.take(`${session.id} ${actor.id}`, clock.now());
    return session;
  };
  /** Its place in the journal. */
  const record = (connection: ClientConnection, session: LiveSession, payload: Record<string, unknown>): number => {
    const { id, interface: via } = connection.who.actor;
    journal.append({ session: session.id, actor: id, interface: via, kind: 'talk', outputOffset: session.output.end, payload });
    return journal.lastSeq;
  };
  /** To whoever sees the session, once each. */
  const tell = <E extends EventName>(session: LiveSession, event: E, params: EventParams<E>): void => {
    news.toWatchers(event, params, ({ kind }) => kind === 'human');
    for (const connection of session.connections)
      if (!connection.isWatching && connection.greeted?.actor.kind === 'human') connection.event(event, params);
  };

  return {
    'share.say'(connection, { session: reference, text }, answer) {
      const session = talkingIn(connection, reference);
      const said = saidText(text);
      const seq = record(connection, session, { is: 'said', text: said });
      answer({});
      tell(session, 'share.said', { session: session.id, by: connection.who.actor, at: clock.wallNow(), text: said, seq });
    },
    'share.talk'(connection, { session: reference, before, limit }, answer) {
      const session = seen(connection, reference);
      const events = records.events({ session: session.id, kinds: ['talk'], limit, ...(before === undefined ? {} : { before }) });
      answer({ talked: events.flatMap((event) => talkedIn(event, records) ?? []), more: events.length === limit });
    },
    async 'share.point'(connection, { session: reference, at, text }, answer) {
      const session = talkingIn(connection, reference);
      const by = connection.who.actor;
      if (at === null) {
        answer({ pointing: null });
        tell(session, 'share.pointed', { session: session.id, by, pointing: null });
        return;
      }
      const said = text === undefined ? null : saidText(text);
      const found = await pointedLines(session, at);
      if (connection.isClosed) return;
      session.roles.mustSee(by); // meanwhile
      const pointing = { ...found, text: said, forMs: SHOWN_MS };
      const seq = record(connection, session, {
        is: 'pointed',
        offset: found.offset,
        from: found.from,
        to: found.to,
        ...(said === null ? {} : { text: said }),
      });
      answer({ pointing });
      tell(session, 'share.pointed', { session: session.id, by, pointing, seq });
    },
  };
}

/** Null where it is damaged. */
function talkedIn({ seq, at, actor, payload }: JournalEvent, records: Records): Talked | null {
  const by = actor === null ? null : records.actor(actor);
  const said = talkPayload.safeParse(payload).data;
  if (!by || !said) return null;
  if (said.is === 'said') return { seq, at, by, text: said.text, pointed: null };
  const { offset, from, to, text = null } = said;
  return { seq, at, by, text, pointed: { offset, from, to } };
}
