/** Who ran what: the command records of this session or of all, newest last, filtered by person, text and outcome. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { CircleAlert } from 'lucide-react';
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { Actor, CommandRecord } from '#protocol/shapes.ts';
import { focusTerminal, revealCommand } from '../state/actions.ts';
import { useCheckpoints } from '../state/checkpoints.ts';
import { useCommandHistory } from '../state/command-history.ts';
import { type SessionKey, sessionKey } from '../state/session-key.ts';
import { app, findHost, toast, useActiveHost, useActiveSession, useApp } from '../state/store.ts';
import { hostTitle } from '../text/host-state.ts';
import { CheckpointRow, HISTORY_ROW_PX, HistoryRow } from './history-row.tsx';
import { PanelHead } from './panel-head.tsx';

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
  const actors = useKnownActors(history.commands, host);
  const { checkpoints } = useCheckpoints(isAll ? null : session.key);
  return (
    <aside className="panel" aria-label="History" data-region="panel" onKeyDown={moveBetweenRows}>
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
        checkpoints={isAll || actor !== '' || text !== '' || failed ? [] : checkpoints}
      />
    </aside>
  );
}

type ListProps = {
  history: ReturnType<typeof useCommandHistory>;
  host: string;
  showSession: boolean;
  /** In front. */
  session: SessionKey | null;
  checkpoints: readonly Checkpoint[];
};

type Item = { at: number; command: CommandRecord } | { at: number; checkpoint: Checkpoint };

/** In the order of time; of checkpoints those since the first command that is shown. */
function itemsOf(commands: readonly CommandRecord[], checkpoints: readonly Checkpoint[], hasMore: boolean): readonly Item[] {
  const from = hasMore ? (commands[0]?.startedAt ?? 0) : 0;
  const made = checkpoints.filter(({ at }) => at >= from).map((checkpoint) => ({ at: checkpoint.at, checkpoint }));
  const items: Item[] = [...commands.map((command) => ({ at: command.startedAt, command })), ...made];
  return made.length > 0 ? items.sort((a, b) => a.at - b.at) : items;
}

function HistoryList({ history, host, showSession, session, checkpoints }: ListProps) {
  const { commands, hasMore, isLoading, error, loadMore } = history;
  const items = useMemo(() => itemsOf(commands, checkpoints, hasMore), [commands, checkpoints, hasMore]);
  const scroller = useRef<HTMLDivElement>(null);
  /** Distance from the end, so that rows before do not move what is read, and new ones are seen by who is at the end. */
  const fromEnd = useRef(0);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HISTORY_ROW_PX,
    overscan: 8,
  });
  const wanted = useApp((state) => (state.wantedCommand?.host === host ? state.wantedCommand.id : null));
  useEffect(() => {
    if (wanted === null || isLoading) return;
    const index = items.findIndex((item) => 'command' in item && item.command.id === wanted);
    if (index === -1 && hasMore) return loadMore();
    app.set({ wantedCommand: null });
    if (index === -1) return toast('This history shows other commands: choose all of the host, and no filter.');
    rows.scrollToIndex(index, { align: 'center' });
    const focus = () => scroller.current?.querySelector<HTMLElement>(`[data-command="${wanted}"] button`)?.focus();
    requestAnimationFrame(() => requestAnimationFrame(focus)); // once its row is there
  }, [wanted, isLoading, items, hasMore, loadMore, rows]);
  const first = commands[0]?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when rows came at either end
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element) element.scrollTop = element.scrollHeight - element.clientHeight - fromEnd.current;
  }, [items.length, first]);
  return (
    <div
      className="history-list"
      ref={scroller}
      onScroll={({ currentTarget: list }) => {
        const end = list.scrollHeight - list.clientHeight - list.scrollTop;
        fromEnd.current = end < 4 ? 0 : end;
        if (list.scrollTop < 200 && hasMore && !isLoading) loadMore();
      }}
    >
      {error && (
        <p className="nothing" role="alert">
          {error}
        </p>
      )}
      {!error && items.length === 0 && (
        <p className="nothing">{isLoading ? 'Asking the host…' : 'No command fits. Commands appear here as they are run.'}</p>
      )}
      <ul className="history-space" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const item = items[index];
          if (!item) return null;
          if ('checkpoint' in item) {
            if (session === null) return null;
            return <CheckpointRow key={`checkpoint ${item.checkpoint.id}`} checkpoint={item.checkpoint} session={session} top={start} />;
          }
          const { command } = item;
          return (
            <HistoryRow
              key={command.id}
              command={command}
              top={start}
              showSession={showSession}
              onOpen={(byMouse) => {
                revealCommand(sessionKey(host, command.session), command.id);
                if (byMouse) focusTerminal(); // who came by key goes on by key
              }}
            />
          );
        })}
      </ul>
    </div>
  );
}

/** Everyone who could be filtered by: whoever is attached anywhere, and whoever is in the records shown so far. */
function useKnownActors(commands: readonly CommandRecord[], host: string): Actor[] {
  const sessions = useApp((state) => findHost(state, host)?.sessions);
  const seen = useRef(new Map<string, Actor>());
  return useMemo(() => {
    for (const { attached } of sessions ?? []) for (const { actor } of attached) seen.current.set(actor.id, actor);
    for (const { authors, submitter } of commands)
      for (const actor of submitter ? [...authors, submitter] : authors) seen.current.set(actor.id, actor);
    return [...seen.current.values()].sort((a, b) => a.name.localeCompare(b.name));
  }, [sessions, commands]);
}

function moveBetweenRows(event: KeyboardEvent<HTMLElement>): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !(event.target instanceof HTMLElement)) return;
  const row = event.target.closest('.history-row');
  if (!row) return;
  const next = by === 1 ? row.nextElementSibling : row.previousElementSibling;
  next?.querySelector('button')?.focus();
  event.preventDefault();
}
