/** What people in this session have said to each other while the window was open, and the field to say something. */
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { MAX_SAID_CHARACTERS } from '#protocol/guests.ts';
import { focusTerminal } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import type { HostedSession } from '../state/store.ts';
import { say, useTalk } from '../state/talk.ts';
import { timeText } from '../text/format.ts';
import { ActorMark } from './actor-mark.tsx';

/** How many requests for the keyboard were answered, in whichever panel that was. */
let answered = 0;

export function Conversation({ session }: { session: HostedSession }) {
  const said = useTalk(({ said: all }) => all.get(session.key));
  const wanted = useTalk((state) => state.wanted);
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLOListElement>(null);

  useEffect(() => {
    if (wanted === answered) return;
    answered = wanted;
    field.current?.focus();
  }, [wanted]);
  useEffect(() => {
    if (said) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [said]);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (await say(session.key, text)) setText('');
  };
  return (
    <section className="conversation" aria-label="Messages">
      {said && (
        <ol className="said-list" ref={list} aria-live="polite">
          {said.map(({ id, by, at, text: words }) => (
            <li key={id} className="said" data-testid="said">
              <ActorMark actor={by} size="small" />
              <p>
                <strong>{by.name}</strong> <span className="dim">{timeText(at)}</span>
                <br />
                {words}
              </p>
            </li>
          ))}
        </ol>
      )}
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
