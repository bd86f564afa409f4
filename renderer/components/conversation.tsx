/** What people in this session have said to each other and pointed at, and the field to say something. */
import { type FormEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { MAX_SAID_CHARACTERS, type Talked } from '#protocol/guests.ts';
import { focusTerminal } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { openReplay } from '../state/replaying.ts';
import { findHost, type HostedSession, useApp } from '../state/store.ts';
import { fetchEarlier, fetchTalk, say, useTalk } from '../state/talk.ts';
import { MAX_KEPT } from '../state/talked.ts';
import { countText, timeText } from '../text/format.ts';
import { ActorMark } from './actor-mark.tsx';

/** How many requests for the keyboard were answered, in whichever panel that was. */
let answered = 0;

export function Conversation({ session }: { session: HostedSession }) {
  const wanted = useTalk((state) => state.wanted);
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (wanted === answered) return;
    answered = wanted;
    field.current?.focus();
  }, [wanted]);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (await say(session.key, text)) setText('');
  };
  return (
    <section className="conversation" aria-label="Messages">
      <SaidList key={session.key} session={session} />
      <form className="say" onSubmit={(event) => void send(event)}>
        <input
          ref={field}
          type="text"
          className="field"
          value={text}
          maxLength={MAX_SAID_CHARACTERS}
          placeholder="Say something to everybody here"
          aria-label="Message to everybody who sees this session"
          title={`The program does not get it (${keyText('say') ?? ''})`}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => event.key === 'Escape' && focusTerminal()}
        />
      </form>
    </section>
  );
}

/** The last ones in view, until somebody scrolls or asks for earlier ones. */
function SaidList({ session }: { session: HostedSession }) {
  const said = useTalk(({ said: all }) => all.get(session.key));
  const isConnected = useApp((state) => findHost(state, session.host)?.link.is === 'connected');
  const [isLoading, setIsLoading] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  /** Rows from the end of the list to what is seen at its top. */
  const below = useRef(0);

  // What it is about is the same while its summary changes; asked again when the host is back.
  const asked = useRef(session);
  useEffect(() => {
    if (isConnected) void fetchTalk(asked.current);
  }, [isConnected]);
  useLayoutEffect(() => {
    const element = list.current;
    if (element && said) element.scrollTop = element.scrollHeight - Math.max(element.clientHeight, below.current);
    below.current = 0;
  }, [said]);

  if (!said || said.talked.length === 0) return null;
  const { talked, more } = said;
  const earlier = async () => {
    const element = list.current;
    setIsLoading(true);
    await fetchEarlier(session);
    setIsLoading(false);
    if (element) below.current = element.scrollHeight - element.scrollTop;
  };
  return (
    <ol className="said-list" ref={list} role="log" aria-label="What was said" aria-busy={isLoading}>
      {more && (
        <li className="said-earlier">
          {talked.length >= MAX_KEPT ? (
            <span className="dim">Older ones are in the journal: cmdop log --events</span>
          ) : (
            <button type="button" className="button small quiet" disabled={isLoading} onClick={() => void earlier()}>
              Earlier
            </button>
          )}
        </li>
      )}
      {talked.map((each) => (
        <Row key={each.seq} talked={each} session={session} />
      ))}
    </ol>
  );
}

function Row({ talked: { by, at, text, pointed }, session }: { talked: Talked; session: HostedSession }) {
  return (
    <li className="said" data-testid="said">
      <ActorMark actor={by} size="small" />
      <p>
        <strong>{by.name}</strong> <span className="dim">{timeText(at)}</span>
        <br />
        {pointed && (
          <button
            type="button"
            className="link-button"
            title="Shows the output as it was then"
            onClick={() => openReplay(session.key, pointed.offset)}
          >
            pointed at {countText(pointed.to - pointed.from + 1, 'line')}
          </button>
        )}
        {pointed && text !== null && ': '}
        {text}
      </p>
    </li>
  );
}
