/** Command records for the history panel: fetched in pages, kept live, filtered the same way here as by the host. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { CommandRecord } from '#protocol/shapes.ts';
import { type CommandFilter, matches } from './command-filter.ts';
import { client } from './engines.ts';
import { commandListeners, findHost, useApp } from './store.ts';

const PAGE = 200;
/** Typing in the filter asks the host once it rests, milliseconds. */
const ASK_AFTER_MS = 150;

export type CommandHistory = {
  /** Oldest first. */
  commands: readonly CommandRecord[];
  hasMore: boolean;
  isLoading: boolean;
  error: string | null;
  loadMore: () => void;
};

/** Of one host. */
export function useCommandHistory(host: string, { session, actor, text, failed }: CommandFilter): CommandHistory {
  const [commands, setCommands] = useState<readonly CommandRecord[]>([]);
  const [hasMore, setHasMore] = useState(false);
  const [isLoading, setIsLoading] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const isConnected = useApp((state) => findHost(state, host)?.link.is === 'connected');
  /** Answers to a question that was replaced meanwhile are dropped. */
  const question = useRef(0);

  const fetchPage = useCallback(
    async (before: number | null) => {
      const asked = question.current;
      setIsLoading(true);
      try {
        const answer = await client(host).request('history.list', {
          limit: PAGE,
          ...(session ? { session } : {}),
          ...(actor ? { actor } : {}),
          ...(text ? { text } : {}),
          ...(failed ? { failed } : {}),
          ...(before === null ? {} : { before }),
        });
        if (asked !== question.current) return;
        setCommands((known) => merge(before === null ? [] : known, answer.commands));
        setHasMore(answer.more ?? answer.commands.length === PAGE);
        setError(null);
      } catch (problem) {
        if (asked === question.current) setError(problem instanceof Error ? problem.message : String(problem));
      }
      if (asked === question.current) setIsLoading(false);
    },
    [host, session, actor, text, failed],
  );

  useEffect(() => {
    if (!isConnected) return; // keeps what is shown
    question.current++;
    const timer = setTimeout(() => void fetchPage(null), text ? ASK_AFTER_MS : 0);
    const listener = (from: string, command: CommandRecord) => {
      if (from !== host) return;
      setCommands((known) => {
        if (matches(command, { session, actor, text, failed })) return merge(known, [command]);
        return known.some(({ id }) => id === command.id) ? known.filter(({ id }) => id !== command.id) : known;
      });
    };
    commandListeners.add(listener);
    return () => {
      clearTimeout(timer);
      commandListeners.delete(listener);
    };
  }, [isConnected, fetchPage, host, session, actor, text, failed]);

  const first = commands[0]?.id;
  const loadMore = useCallback(() => void (first !== undefined && fetchPage(first)), [fetchPage, first]);
  return { commands, hasMore, isLoading, error, loadMore };
}

function merge(known: readonly CommandRecord[], more: readonly CommandRecord[]): readonly CommandRecord[] {
  const byId = new Map([...known, ...more].map((command) => [command.id, command]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}
