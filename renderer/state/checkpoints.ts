/** Checkpoints of the session in front, and its report: asked of its host, kept live, and what a person does with them. */
import { useEffect, useState } from 'react';
import { gatherReport } from '#client/report/gather.ts';
import { makeReport } from '#client/report/report.ts';
import { htmlReport } from '#client/report/report-text.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import { countText } from '../text/format.ts';
import { ask } from './actions.ts';
import { client } from './engines.ts';
import { saveAs } from './page-bytes.ts';
import { hostOfKey, idOfKey, type SessionKey } from './session-key.ts';
import { app, findHost, findSession, type HostedSession, toast, useApp } from './store.ts';

/** Told of every checkpoint that a host made. */
const listeners = new Set<(host: string, made: Checkpoint) => void>();

export function checkpointMade(host: string, made: Checkpoint): void {
  for (const listener of listeners) listener(host, made);
}

export type CheckpointList = { checkpoints: readonly Checkpoint[]; folder: string | null; error: string | null; isLoading: boolean };

/** Of a session and its folder, oldest first; none where there is no session. */
export function useCheckpoints(session: SessionKey | null): CheckpointList {
  const [list, setList] = useState<CheckpointList>({ checkpoints: [], folder: null, error: null, isLoading: true });
  const host = session === null ? null : hostOfKey(session);
  const isConnected = useApp((state) => host !== null && findHost(state, host)?.link.is === 'connected');
  useEffect(() => {
    if (session === null || host === null || !isConnected) return; // keeps what is shown
    let isWanted = true;
    const fetch = () =>
      client(host)
        .request('checkpoint.list', { session: idOfKey(session), limit: 500 })
        .then(
          ({ checkpoints, folder }) => isWanted && setList({ checkpoints, folder, error: null, isLoading: false }),
          (problem: unknown) =>
            isWanted &&
            setList({
              checkpoints: [],
              folder: null,
              error: problem instanceof Error ? problem.message : String(problem),
              isLoading: false,
            }),
        );
    setList((before) => ({
      ...before,
      checkpoints: before.checkpoints.filter(({ session: of }) => of === idOfKey(session)),
      isLoading: true,
    }));
    void fetch();
    const listener = (from: string) => {
      if (from === host) void fetch();
    };
    listeners.add(listener);
    return () => {
      isWanted = false;
      listeners.delete(listener);
    };
  }, [session, host, isConnected]);
  return list;
}

export async function makeCheckpoint({ host, id, name }: HostedSession): Promise<void> {
  toast(`Keeping the files of ${name}…`, 'quiet', `checkpoint ${id}`);
  const answer = await ask({ host, method: 'checkpoint.create', params: { session: id } });
  if (!answer) return;
  const { checkpoint } = answer;
  const skipped = checkpoint.skipped.count > 0 ? ` ${checkpoint.skipped.count} were left out: too big, or not readable.` : '';
  toast(
    `Checkpoint ${checkpoint.id}: ${countText(checkpoint.files, 'file')} of ${checkpoint.folder}.${skipped}`,
    'quiet',
    `checkpoint ${id}`,
  );
}

/** Null where it failed, which was said. */
export async function restoreCheckpoint(session: SessionKey, id: number, isDeleting: boolean): Promise<string | null> {
  try {
    const params = { session: idOfKey(session), id, delete: isDeleting };
    const { before, written, deleted } = await client(hostOfKey(session)).request('checkpoint.restore', params);
    toast(`${written.count} brought back, ${deleted.count} deleted. What was there is checkpoint ${before?.id}.`);
    return null;
  } catch (problem) {
    return problem instanceof Error ? problem.message : String(problem);
  }
}

export async function saveReport(session: HostedSession): Promise<void> {
  try {
    const source = await gatherReport(client(session.host), { session, since: null, now: Date.now() });
    saveAs(
      `report of ${session.name.replaceAll(/[^\w.-]+/g, '-')}.html`,
      new Blob([htmlReport(makeReport(source))], { type: 'text/html' }),
    );
    toast(`The report of ${session.name} is saved.`);
  } catch (problem) {
    toast(`No report: ${problem instanceof Error ? problem.message : String(problem)}`, 'error');
  }
}

/** The dialogs about the session in front. */
export function askCheckpoints(): void {
  const session = findSession(app.get(), app.get().preferences.activeTab);
  if (session) app.set({ dialog: { is: 'checkpoints', session: session.key } });
}

/** `+3 ~1 −2`, as the command line writes it. */
export function changedText({ changed: { added, modified, deleted } }: Checkpoint): string {
  const parts = [added > 0 ? `+${added}` : '', modified > 0 ? `~${modified}` : '', deleted > 0 ? `−${deleted}` : ''].filter(Boolean);
  return parts.join(' ') || 'nothing changed';
}

export function whyText({ message, reason, isLate }: Checkpoint): string {
  if (message !== null) return message;
  return reason === 'agent'
    ? `before an agent’s first input${isLate ? ' (late)' : ''}`
    : reason === 'restore'
      ? 'before a restore'
      : 'asked for';
}
