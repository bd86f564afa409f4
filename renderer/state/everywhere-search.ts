/** A search over the commands and the output of every host of this window: its results as they come, and how far it is. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { SearchHit } from '#protocol/search.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { client } from './engines.ts';
import { searchInbox } from './search-inboxes.ts';
import { hostOfKey, type SessionKey, sessionKey } from './session-key.ts';
import { app } from './store.ts';

/** Typing asks the hosts once it rests, milliseconds. */
const ASK_AFTER_MS = 180;
/** Shown of each host; who wants more narrows it down, or asks the command line. */
const MAX_COMMANDS = 50;
const MAX_HITS = 300;
/** Hits are shown together at most this often, milliseconds. */
const SHOW_EVERY_MS = 60;

export type Sought = { readonly text: string; readonly regex: boolean; readonly ignoreCase: boolean };

export type Found =
  | { readonly is: 'command'; readonly key: string; readonly session: SessionKey; readonly command: CommandRecord; readonly host: string }
  | { readonly is: 'output'; readonly key: string; readonly session: SessionKey; readonly hit: SearchHit };

/** What was found in one session, newest first. */
export type FoundInSession = {
  readonly session: SessionKey;
  readonly name: string;
  readonly host: string;
  readonly found: readonly Found[];
};

export type EverywhereSearch = {
  readonly groups: readonly FoundInSession[];
  readonly count: number;
  readonly state: 'idle' | 'searching' | 'done' | 'stopped';
  /** Of the output, 0 … 1. */
  readonly share: number;
  /** There may be more than is shown. */
  readonly hasMore: boolean;
  readonly errors: readonly string[];
  stop(): void;
};

type Progress = { readBytes: number; totalBytes: number; isDone: boolean };

export function useEverywhereSearch({ text, regex, ignoreCase }: Sought): EverywhereSearch {
  const [groups, setGroups] = useState<readonly FoundInSession[]>([]);
  const [state, setState] = useState<EverywhereSearch['state']>('idle');
  const [share, setShare] = useState(0);
  const [hasMore, setHasMore] = useState(false);
  const [errors, setErrors] = useState<readonly string[]>([]);
  const stopping = useRef<() => void>(() => {});

  useEffect(() => {
    if (text.trim() === '') {
      setGroups([]);
      setErrors([]);
      setState('idle');
      return;
    }
    let isCurrent = true;
    const cancels: (() => void)[] = [];
    const found: Found[] = [];
    const progress = new Map<string, Progress>();
    let showing: ReturnType<typeof setTimeout> | null = null;
    const show = () => {
      showing ??= setTimeout(() => {
        showing = null;
        if (!isCurrent) return;
        setGroups(grouped(found));
        const all = [...progress.values()];
        const total = all.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
        setShare(total > 0 ? all.reduce((sum, { readBytes }) => sum + readBytes, 0) / total : 0);
        if (all.every(({ isDone }) => isDone)) setState((now) => (now === 'searching' ? 'done' : now));
      }, SHOW_EVERY_MS);
    };
    const fail = (host: string, error: unknown) => {
      if (!isCurrent) return;
      progress.set(host, { readBytes: 0, totalBytes: 0, isDone: true });
      setErrors((known) => [...new Set([...known, error instanceof Error ? error.message : String(error)])]);
      show();
    };
    const ask = (host: string) => {
      const sought = { text, regex, ignoreCase };
      progress.set(host, { readBytes: 0, totalBytes: 0, isDone: false });
      client(host)
        .request('search.commands', { ...sought, limit: MAX_COMMANDS })
        .then(({ commands, more }) => {
          if (!isCurrent) return;
          for (const command of commands)
            found.push({ is: 'command', key: `${host} c${command.id}`, session: sessionKey(host, command.session), command, host });
          if (more) setHasMore(true);
          show();
        })
        .catch((error: unknown) => fail(host, error));
      searchInbox(host)
        .start(
          client(host),
          { ...sought, limit: MAX_HITS },
          {
            found: (hits) => {
              for (const hit of hits)
                found.push({ is: 'output', key: `${host} ${hit.session} ${hit.offset}`, session: sessionKey(host, hit.session), hit });
              show();
            },
            progress: ({ readBytes, totalBytes }) => {
              progress.set(host, { readBytes, totalBytes, isDone: false });
              show();
            },
            ended: ({ reason, message }) => {
              const { totalBytes = 0 } = progress.get(host) ?? {};
              progress.set(host, { readBytes: totalBytes, totalBytes, isDone: true });
              if (reason === 'limit') setHasMore(true);
              if (reason === 'failed') fail(host, new Error(message ?? 'the search failed'));
              show();
            },
          },
        )
        .then(({ cancel }) => {
          if (isCurrent) cancels.push(cancel);
          else cancel();
        })
        .catch((error: unknown) => fail(host, error));
    };
    const end = () => {
      for (const cancel of cancels) cancel();
      cancels.length = 0;
    };
    const timer = setTimeout(() => {
      setErrors([]);
      setHasMore(false);
      setShare(0);
      setState('searching');
      setGroups([]);
      for (const { name, link } of app.get().hosts) if (link.is === 'connected') ask(name);
      if (progress.size === 0) fail('', new Error('No host is connected: nothing can be searched.'));
    }, ASK_AFTER_MS);
    stopping.current = () => {
      end();
      setState('stopped');
    };
    return () => {
      isCurrent = false;
      clearTimeout(timer);
      if (showing) clearTimeout(showing);
      end();
    };
  }, [text, regex, ignoreCase]);

  const count = groups.reduce((sum, group) => sum + group.found.length, 0);
  const stop = useCallback(() => stopping.current(), []);
  return { groups, count, state, share, hasMore, errors, stop };
}

/** By session, the one with the newest first. */
function grouped(found: readonly Found[]): FoundInSession[] {
  const groups = new Map<SessionKey, { session: SessionKey; name: string; host: string; found: Found[] }>();
  for (const each of [...found].sort((a, b) => timeOf(b) - timeOf(a))) {
    const name = each.is === 'command' ? each.command.sessionName : each.hit.sessionName;
    const group = groups.get(each.session) ?? { session: each.session, name, host: hostOfKey(each.session), found: [] };
    group.found.push(each);
    groups.set(each.session, group);
  }
  return [...groups.values()];
}

const timeOf = (found: Found): number =>
  found.is === 'command' ? found.command.startedAt : (found.hit.at ?? found.hit.command?.startedAt ?? 0);
