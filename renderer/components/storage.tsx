/** What a host keeps, and for how long: every session with its size and pin, the limits, and what a prune would remove. */
import { Dialog } from 'radix-ui';
import { useCallback, useEffect, useState } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Result } from '#protocol/messages.ts';
import type { KeptSession } from '#protocol/retention.ts';
import { client } from '../state/engines.ts';
import { toast } from '../state/store.ts';
import { bytesText, timeText } from '../text/format.ts';
import { hostTitle } from '../text/host-state.ts';
import { DialogFrame, Failure } from './dialog-frame.tsx';
import { StorageLimits } from './storage-limits.tsx';
import { StoragePrune } from './storage-prune.tsx';

type Kept = { state: Result<'retention.get'>; planned: Result<'retention.prune'> };

export function Storage({ host }: { host: string }) {
  const [kept, setKept] = useState<Kept | null>(null);
  const [error, setError] = useState<string | null>(null);
  const load = useCallback(async () => {
    try {
      const planned = await client(host).request('retention.prune', { isDryRun: true });
      setKept({ planned, state: await client(host).request('retention.get', {}) });
      setError(null);
    } catch (problem) {
      setError(sentenceOf(problem));
    }
  }, [host]);
  useEffect(() => void load(), [load]);
  /** What is shown afterwards is what the host says then. */
  const change = async (work: () => Promise<unknown>) => {
    try {
      await work();
      await load();
    } catch (problem) {
      setError(sentenceOf(problem));
    }
  };
  const prune = () =>
    change(async () => {
      const { pruned, freedBytes } = await client(host).request('retention.prune', {});
      toast(`${pruned.length === 1 ? '1 session' : `${pruned.length} sessions`} pruned, ${bytesText(freedBytes)} freed.`);
    });
  return (
    <DialogFrame title={`Storage${host === LOCAL_HOST ? '' : ` on ${hostTitle(host)}`}`} testId="storage">
      <div className="storage">
        <Failure text={error} />
        {!kept && !error && <p className="empty">Counting what every session takes…</p>}
        {kept && (
          <>
            <p className="storage-sum">
              <strong>{bytesText(kept.state.sessionsBytes)}</strong> in sessions, and a journal of {bytesText(kept.state.journalBytes)}
              {kept.state.prunedAt !== null && `; last pruned ${timeText(kept.state.prunedAt)}`}
            </p>
            <Sessions
              sessions={kept.state.sessions}
              pin={(session, isPinned) => void change(() => client(host).request('retention.pin', { session, isPinned }))}
            />
            <StorageLimits limits={kept.state.limits} save={(limits) => change(() => client(host).request('retention.set', { limits }))} />
            <StoragePrune limits={kept.state.limits} planned={kept.planned} prune={prune} />
          </>
        )}
        <div className="dialog-buttons">
          <Dialog.Close className="button quiet">Close</Dialog.Close>
        </div>
      </div>
    </DialogFrame>
  );
}

function Sessions({ sessions, pin }: { sessions: readonly KeptSession[]; pin: (session: string, isPinned: boolean) => void }) {
  if (sessions.length === 0) return <p className="empty">No sessions yet: nothing is kept.</p>;
  const largest = Math.max(1, ...sessions.map(({ bytes }) => bytes));
  return (
    <section className="storage-sessions" aria-label="Sessions by size">
      <table>
        <thead>
          <tr>
            <th scope="col">Session</th>
            <th scope="col">Size</th>
            <th scope="col">Commands</th>
            <th scope="col">Pin</th>
          </tr>
        </thead>
        <tbody>
          {[...sessions]
            .sort((a, b) => b.bytes - a.bytes)
            .map(({ session, name, state, endedAt, bytes, commands, isPinned }) => (
              <tr key={session} data-testid="kept-session">
                <th scope="row">
                  <span className="storage-name">{name}</span>
                  <span className="storage-state">
                    {state === 'running' ? 'runs' : `${state === 'ended' ? 'ended' : 'history only, ended'} ${timeText(endedAt ?? 0)}`}
                  </span>
                </th>
                <td>
                  <meter min={0} max={largest} value={bytes} aria-label={`Size of ${name}`} />
                  <span className="storage-bytes">{bytesText(bytes)}</span>
                </td>
                <td>{commands}</td>
                <td>
                  {state !== 'removed' && (
                    <button
                      type="button"
                      className="button small quiet"
                      aria-pressed={isPinned}
                      aria-label={`Pin ${name}`}
                      title={isPinned ? 'It stays, whatever the limits' : 'Keep it, whatever the limits'}
                      onClick={() => pin(session, !isPinned)}
                    >
                      {isPinned ? 'Pinned' : 'Pin'}
                    </button>
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  );
}

const sentenceOf = (problem: unknown) => (problem instanceof Error ? problem.message : String(problem));
