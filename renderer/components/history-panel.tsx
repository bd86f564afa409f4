/** Who ran what: the command records of this session or of all, newest last, filtered by person, text and outcome. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { CircleAlert } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import { focusTerminal, revealCommand } from '../state/actions.ts';
import { useCheckpoints } from '../state/checkpoints.ts';
import { type CommandHistory, useCommandHistory } from '../state/command-history.ts';
import { MixedRows } from '../state/history-rows.ts';
import { type SessionKey, sessionKey } from '../state/session-key.ts';
import { app, findHost, toast, useActiveHost, useActiveSession, useApp } from '../state/store.ts';
import { hostTitle } from '../text/host-state.ts';
import { AwaitedRow, CheckpointRow, HISTORY_ROW_PX, HistoryRow } from './history-row.tsx';
import { PanelHead } from './panel-head.tsx';

const NO_CHECKPOINTS: readonly Checkpoint[] = [];

export function HistoryPanel() {
  const session = useActiveSession();
  const [scope, setScope] = useState<'session' | 'all'>('session');
  const [actor, setActor] = useState('');
  const [text, setText] = useState('');
  const [failed, setFailed] = useState(false);
  const isAll = scope === 'all' || !session;
  const host = useActiveHost()?.name ?? LOCAL_HOST;
  const hasHosts = useApp((state) => state.hosts.length > 1);
  const history = useCommandHistory(host, { session: isAll ? null : session.id, actor, text, failed });
  const actors = useKnownActors(history, host);
  const { checkpoints } = useCheckpoints(isAll ? null : session.key);
  return (
    <aside className="panel" aria-label="History" data-region="panel" onKeyDown={moved}>
      <PanelHead title="History" panel="history">
        <fieldset className="segments" aria-label="Whose commands">
          <button type="button" aria-pressed={!isAll} disabled={!session} onClick={() => setScope('session')}>
            This session
          </button>
          <button type="button" aria-pressed={isAll} onClick={() => setScope('all')}>
            {hasHosts ? hostTitle(host) : 'All'}
          </button>
        </fieldset>
      </PanelHead>
      <div className="filters">
        <input
          type="search"
          className="field"
          placeholder="Filter commands"
          aria-label="Part of the command"
          data-region-focus
          value={text}
          spellCheck={false}
          onChange={(event) => setText(event.target.value)}
        />
        <select className="field" aria-label="Actor" value={actor} onChange={(event) => setActor(event.target.value)}>
          <option value="">Anyone</option>
          {actors.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <button type="button" className="toggle" aria-pressed={failed} onClick={() => setFailed(!failed)}>
          <CircleAlert size={13} /> Failed
        </button>
      </div>
      <HistoryList
        key={`${isAll} ${host} ${session?.id}`}
        history={history}
        host={host}
        showSession={isAll}
        session={session?.key ?? null}
        checkpoints={isAll || actor !== '' || text !== '' || failed ? NO_CHECKPOINTS : checkpoints}
      />
    </aside>
  );
}

type ListProps = {
  history: CommandHistory;
  host: string;
  showSession: boolean;
  /** In front. */
  session: SessionKey | null;
  checkpoints: readonly Checkpoint[];
};

function HistoryList({ history, host, showSession, session, checkpoints }: ListProps) {
  const { isLoading, error } = history;
  const { total } = history.rows;
  const placed = usePlaces(history, checkpoints);
  const mixed = useMemo(() => new MixedRows(total, placed.places), [total, placed]);
  const scroller = useRef<HTMLDivElement>(null);
  /** Who is at the end sees what comes. */
  const isAtEnd = useRef(true);
  const wantsFocus = useRef<number | null>(null);
  const rows = useVirtualizer({
    count: mixed.count,
    getScrollElement: () => scroller.current,
    estimateSize: () => HISTORY_ROW_PX,
    overscan: 8,
  });
  const shown = rows.getVirtualItems();
  const [first, last] = [mixed.recordAt(shown[0]?.index ?? 0), mixed.recordAt(shown.at(-1)?.index ?? 0)];
  useEffect(() => history.look(first, last), [history, first, last]);

  const wanted = useApp((state) => (state.wantedCommand?.host === host ? state.wantedCommand.id : null));
  useEffect(() => {
    if (wanted === null || isLoading) return;
    app.set({ wantedCommand: null });
    const goTo = (place: number | null) => {
      if (place === null) return toast('This history shows other commands: choose all of the host, and no filter.');
      wantsFocus.current = wanted;
      rows.scrollToIndex(mixed.rowOf(place), { align: 'center' });
    };
    history.placeOf(wanted).then(goTo, () => goTo(null));
  }, [wanted, isLoading, history, mixed, rows]);
  useEffect(() => {
    const row = wantsFocus.current === null ? null : scroller.current?.querySelector<HTMLElement>(`[data-command="${wantsFocus.current}"]`);
    if (!row) return; // not here yet
    wantsFocus.current = null;
    row.querySelector('button')?.focus();
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when rows came, or others are shown
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [mixed.count, history]);
  const open = useCallback(
    (command: CommandRecord, byMouse: boolean) => {
      revealCommand(sessionKey(host, command.session), command.id);
      if (byMouse) focusTerminal(); // who came by key goes on by key
    },
    [host],
  );
  return (
    <div
      className="history-list"
      ref={scroller}
      tabIndex={-1}
      onScroll={({ currentTarget: list }) => {
        isAtEnd.current = list.scrollHeight - list.clientHeight - list.scrollTop < 4;
      }}
    >
      {error && (
        <p className="nothing" role="alert">
          {error}
        </p>
      )}
      {!error && mixed.count === 0 && (
        <p className="nothing">{isLoading ? 'Asking the host…' : 'No command fits. Commands appear here as they are run.'}</p>
      )}
      <ul className="history-space" style={{ height: rows.getTotalSize() }}>
        {shown.map(({ index, start }) => {
          const row = mixed.at(index);
          if ('other' in row) {
            const checkpoint = placed.checkpoints[row.other];
            if (!checkpoint || session === null) return null;
            return <CheckpointRow key={`checkpoint ${checkpoint.id}`} checkpoint={checkpoint} session={session} top={start} />;
          }
          const command = history.rows.at(row.record);
          if (!command) return <AwaitedRow key={`awaited ${index}`} top={start} />;
          return <HistoryRow key={command.id} command={command} top={start} showSession={showSession} onOpen={open} />;
        })}
      </ul>
    </div>
  );
}

type Placed = { readonly checkpoints: readonly Checkpoint[]; readonly places: readonly number[] };
const NONE: Placed = { checkpoints: [], places: [] };

/** Checkpoints, oldest first, with the place of the record that each stands in front of. */
function usePlaces(history: CommandHistory, checkpoints: readonly Checkpoint[]): Placed {
  const [placed, setPlaced] = useState(NONE);
  useEffect(() => {
    if (checkpoints.length === 0) return setPlaced(NONE);
    let isOver = false;
    const ordered = checkpoints.toSorted((a, b) => a.at - b.at);
    const place = (places: readonly number[]) => {
      if (!isOver) setPlaced({ checkpoints: ordered, places });
    };
    history.placesOf(ordered.map(({ at }) => at)).then(place, () => place(ordered.map(() => history.rows.total))); // an older host
    return () => {
      isOver = true;
    };
  }, [history, checkpoints]);
  return placed;
}

/** Everyone who could be filtered by: whoever is attached anywhere, and whoever is in the records shown so far. */
function useKnownActors(history: CommandHistory, host: string): Actor[] {
  const sessions = useApp((state) => findHost(state, host)?.sessions);
  const seen = useRef(new Map<string, Actor>());
  const count = history.actors.size;
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when somebody came
  return useMemo(() => {
    for (const { attached } of sessions ?? []) for (const { actor } of attached) seen.current.set(actor.id, actor);
    for (const actor of history.actors.values()) seen.current.set(actor.id, actor);
    return [...seen.current.values()].sort((a, b) => a.name.localeCompare(b.name));
  }, [sessions, history, count]);
}

function moved(event: KeyboardEvent<HTMLElement>): void {
  const list = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('.history-list') : null;
  if (!list || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (moveBetweenRows(event.key, document.activeElement) || scrollList(event.key, list)) event.preventDefault();
}

function moveBetweenRows(key: string, focused: Element | null): boolean {
  const row = focused?.closest('.history-row');
  if (!row || (key !== 'ArrowDown' && key !== 'ArrowUp')) return false;
  (key === 'ArrowDown' ? row.nextElementSibling : row.previousElementSibling)?.querySelector('button')?.focus();
  return true;
}

/** A row may go while it is left behind, and the focus with it: by these keys it is the list that scrolls. */
function scrollList(key: string, list: HTMLElement): boolean {
  const page = list.clientHeight - HISTORY_ROW_PX;
  const to = { PageUp: list.scrollTop - page, PageDown: list.scrollTop + page, Home: 0, End: list.scrollHeight }[key];
  if (to === undefined) return false;
  list.focus({ preventScroll: true });
  list.scrollTop = to;
  return true;
}
