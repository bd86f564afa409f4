/** Search over everything: commands and output of every session, as it is found; Enter goes to the place. */
import { Command } from 'cmdk';
import { Dialog } from 'radix-ui';
import { type KeyboardEvent, useRef, useState } from 'react';
import type { Actor } from '#protocol/shapes.ts';
import { focusTerminal, revealCommand, showInHistory } from '../state/actions.ts';
import { type EverywhereSearch, type Found, useEverywhereSearch } from '../state/everywhere-search.ts';
import { openReplay } from '../state/replaying.ts';
import { behind, revealOutput } from '../state/reveal-output.ts';
import { app, findSession, useApp } from '../state/store.ts';
import { commandText, timeText } from '../text/format.ts';
import { hostTitle } from '../text/host-state.ts';
import { ActorMark } from './actor-mark.tsx';

export function SearchEverywhere() {
  const isOpen = useApp((state) => state.dialog?.is === 'search');
  const onEscape = useRef<(event: globalThis.KeyboardEvent) => void>(() => {});
  return (
    <Dialog.Root open={isOpen} onOpenChange={(open) => !open && close(focusTerminal)}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content
          className="palette search-everywhere"
          aria-describedby={undefined}
          data-testid="search-everywhere"
          onCloseAutoFocus={(event) => event.preventDefault()}
          onEscapeKeyDown={(event) => onEscape.current(event)}
        >
          <Dialog.Title className="hidden-text">Search everything</Dialog.Title>
          {isOpen && <Results onEscape={onEscape} />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Results({ onEscape }: { onEscape: { current: (event: globalThis.KeyboardEvent) => void } }) {
  const [text, setText] = useState('');
  const [regex, setRegex] = useState(false);
  const [isCaseKept, setCaseKept] = useState(false);
  /** Chosen by the person; until then the first is, whatever comes before it. */
  const [chosen, setChosen] = useState<string | null>(null);
  const hasHosts = useApp((state) => state.hosts.length > 1);
  const hasMoved = useRef(false);
  const search = useEverywhereSearch({ text, regex, ignoreCase: !isCaseKept });
  // The first Esc ends what runs, the next one closes.
  onEscape.current = (event) => {
    if (search.state !== 'searching') return;
    event.preventDefault();
    search.stop();
  };
  return (
    <Command
      label="Search everything"
      loop
      shouldFilter={false}
      value={chosen ?? search.groups[0]?.found[0]?.key ?? ''}
      onValueChange={(value) => hasMoved.current && setChosen(value)}
      onPointerMove={() => {
        hasMoved.current = true;
      }}
      onKeyDown={(event) => {
        if (event.key === 'ArrowDown' || event.key === 'ArrowUp') hasMoved.current = true;
        replaySelected(event, search);
      }}
    >
      <div className="search-everywhere-head">
        <Command.Input
          autoFocus
          placeholder="Search commands and output of all sessions"
          value={text}
          onValueChange={(typed) => {
            hasMoved.current = false;
            setChosen(null);
            setText(typed);
          }}
        />
        <Toggle label="Capitals count" text="Aa" isOn={isCaseKept} set={setCaseKept} />
        <Toggle label="Regular expression" text=".*" isOn={regex} set={setRegex} />
      </div>
      <Command.List>
        {search.errors.map((error) => (
          <p key={error} className="nothing" role="alert">
            {error}
          </p>
        ))}
        {search.state === 'idle' && (
          <p className="nothing">What anybody ran, and what any program printed, in sessions that run and that ended.</p>
        )}
        {search.state === 'done' && search.count === 0 && search.errors.length === 0 && (
          <p className="nothing">Nothing here says that. Sessions keep their newest output; what is older is gone.</p>
        )}
        {search.groups.map((group) => (
          <Command.Group key={group.session} heading={hasHosts ? `${group.name} · ${hostTitle(group.host)}` : group.name}>
            {group.found.map((found) => (
              <Command.Item key={found.key} value={found.key} onSelect={() => close(() => goTo(found))}>
                <Row found={found} />
              </Command.Item>
            ))}
          </Command.Group>
        ))}
      </Command.List>
      <div className="search-everywhere-foot" role="status" data-state={search.state}>
        {footText(search)}
        <span className="spring" />
        {search.count > 0 && <span>Enter goes there · Shift+Enter replays it</span>}
        {search.state === 'searching' && <progress aria-label="Output looked through" value={search.share} max={1} />}
      </div>
    </Command>
  );
}

function Toggle({ label, text, isOn, set }: { label: string; text: string; isOn: boolean; set: (isOn: boolean) => void }) {
  return (
    <button type="button" className="toggle" aria-pressed={isOn} aria-label={label} title={label} onClick={() => set(!isOn)}>
      {text}
    </button>
  );
}

function Row({ found }: { found: Found }) {
  if (found.is === 'command') {
    const { submitter, text, startedAt, exitCode } = found.command;
    return (
      <>
        <Who actor={submitter} />
        <code className="search-line">$ {text}</code>
        {exitCode !== null && exitCode !== 0 && <span className="exit failed">{exitCode}</span>}
        <time className="dim">{timeText(startedAt)}</time>
      </>
    );
  }
  const { hit } = found;
  return (
    <>
      <Who actor={hit.command?.submitter ?? null} />
      <code className="search-line" title={hit.text}>
        <Marked text={hit.text} ranges={hit.ranges} />
      </code>
      {hit.command && (
        <span className="dim search-command" title={commandText(hit.command)}>
          {commandText(hit.command)}
        </span>
      )}
      <time className="dim">{hit.at === null ? '' : timeText(hit.at)}</time>
    </>
  );
}

function Who({ actor }: { actor: Actor | null }) {
  if (!actor) return <span className="actor-mark small nobody" aria-hidden="true" />;
  return (
    <>
      <ActorMark actor={actor} size="small" />
      <span className="search-who">{actor.name}</span>
    </>
  );
}

/** So far before the first match a line is shown, characters: the match must be in sight. */
const SHOWN_BEFORE = 24;

function Marked({ text, ranges }: { text: string; ranges: readonly (readonly [number, number])[] }) {
  const cut = Math.max(0, (ranges[0]?.[0] ?? 0) - SHOWN_BEFORE);
  const parts = [];
  let at = cut;
  for (const [from, to] of ranges) {
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  return (
    <>
      {cut > 0 && '…'}
      {parts}
      {text.slice(at)}
    </>
  );
}

function footText({ state, count, share, hasMore }: EverywhereSearch): string {
  if (state === 'idle') return 'Esc closes';
  const found = `${count} found${hasMore ? ', and there may be more' : ''}`;
  if (state === 'searching') return `${found} · looking through the output, ${Math.round(share * 100)} % · Esc stops`;
  return state === 'stopped' ? `${found} · stopped` : found;
}

/** Where its lines still are in the terminal, there; else as it was. */
function goTo(found: Found): void {
  const isThere = findSession(app.get(), found.session) !== null;
  if (found.is === 'command') {
    if (isThere) revealCommand(found.session, found.command.id);
    else showInHistory(found.host, found.command.id);
    focusTerminal();
  } else if (isThere) revealOutput(found.session, found.hit);
  else openReplay(found.session, behind(found.hit));
}

function replaySelected(event: KeyboardEvent, { groups }: EverywhereSearch): void {
  if (event.key !== 'Enter' || !event.shiftKey) return;
  event.preventDefault();
  const selected = event.currentTarget.querySelector('[cmdk-item][data-selected="true"]')?.getAttribute('data-value');
  const found = groups.flatMap((group) => group.found).find(({ key }) => key === selected);
  if (found) close(() => openReplay(found.session, found.is === 'command' ? found.command.from : behind(found.hit)));
}

function close(then: () => void): void {
  app.set({ dialog: null });
  setTimeout(then); // once the dialog let go of the focus
}
