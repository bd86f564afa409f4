/** What the files panel shows of one folder: asked from the host, in pages, and again when the session may have changed it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { FileEntry } from '#protocol/files.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { client } from './engines.ts';
import { useTransfers } from './file-transfers.ts';
import { useFolders } from './folder-transfers.ts';
import { commandListeners, findHost, type HostedSession, useApp } from './store.ts';

const PAGE = 500;

export type FileSort = 'name' | 'size' | 'modified';
export type FileList = {
  /** Of the folder that is shown, absolute; null before the first answer. */
  path: string | null;
  entries: readonly FileEntry[];
  total: number;
  isLoading: boolean;
  error: string | null;
  loadMore: () => void;
  refresh: () => void;
};

/** `path`: null for the session's own folder, wherever that is. */
export function useFileList(session: HostedSession, { path, sort }: { path: string | null; sort: FileSort }): FileList {
  const { host, id, cwd } = session;
  const [shown, setShown] = useState<{ path: string | null; entries: readonly FileEntry[]; total: number }>({
    path: null,
    entries: [],
    total: 0,
  });
  const [isLoading, setIsLoading] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const isConnected = useApp((state) => findHost(state, host)?.link.is === 'connected');
  /** Answers to a question that was replaced meanwhile are dropped. */
  const question = useRef(0);
  const asked = path ?? cwd;

  const fetchPage = useCallback(
    async (from: number) => {
      const now = from === 0 ? ++question.current : question.current;
      setIsLoading(true);
      try {
        const page = await client(host).request('files.list', {
          session: id,
          path: asked,
          sort,
          descending: sort !== 'name',
          from,
          limit: PAGE,
        });
        if (now !== question.current) return;
        setShown((before) => ({
          path: page.path,
          entries: from === 0 ? page.entries : [...before.entries, ...page.entries],
          total: page.total,
        }));
        setError(null);
      } catch (problem) {
        if (now === question.current) setError(problem instanceof Error ? problem.message : String(problem));
      }
      if (now === question.current) setIsLoading(false);
    },
    [host, id, asked, sort],
  );

  const { observerFiles, key } = session;
  const sent = useTransfers(
    ({ transfers }) => transfers.filter((each) => each.session.key === key && each.direction === 'up' && each.state === 'done').length,
  );
  const folders = useFolders(({ folders: all }) => all.filter((each) => each.session === session.id && each.state !== 'running').length);
  // biome-ignore lint/correctness/useExhaustiveDependencies: also when an owner opened the folder, and when a file was sent
  useEffect(() => {
    if (!isConnected) return; // what is shown stays
    void fetchPage(0);
    // A command that ended may have changed what is here.
    const listener = (from: string, command: CommandRecord) => {
      if (from === host && command.session === id && command.endedAt !== null) void fetchPage(0);
    };
    commandListeners.add(listener);
    return () => {
      commandListeners.delete(listener);
    };
  }, [isConnected, fetchPage, host, id, observerFiles, sent, folders]);

  const loadMore = useCallback(() => void fetchPage(shown.entries.length), [fetchPage, shown.entries.length]);
  const refresh = useCallback(() => void fetchPage(0), [fetchPage]);
  return { ...shown, isLoading, error, loadMore, refresh };
}
