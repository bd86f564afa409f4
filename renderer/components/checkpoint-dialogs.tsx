/** Checkpoints of the files: the list, what differs, and what restoring would do before it is done. */
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { Result } from '#protocol/messages.ts';
import { shownText } from '#session/shown-text.ts';
import { closeDialog } from '../state/actions.ts';
import { changedText, makeCheckpoint, restoreCheckpoint, useCheckpoints, whyText } from '../state/checkpoints.ts';
import { client } from '../state/engines.ts';
import { hostOfKey, idOfKey, type SessionKey } from '../state/session-key.ts';
import { app, findSession, type Dialog as Question } from '../state/store.ts';
import { countText, shortenPath, timeText } from '../text/format.ts';
import { ActorMark } from './actor-mark.tsx';
import { DialogFrame, Failure } from './dialog-frame.tsx';

export function CheckpointsDialog({ session }: { session: SessionKey }) {
  const { checkpoints, folder, error, isLoading } = useCheckpoints(session);
  const make = () => {
    const found = findSession(app.get(), session);
    if (found) void makeCheckpoint(found);
  };
  return (
    <DialogFrame title="Checkpoints" testId="checkpoints">
      {folder !== null && <p className="dim">The files of {shownText(shortenPath(folder))}, as they were. Your own git is not touched.</p>}
      <Failure text={error} />
      {!error && checkpoints.length === 0 && <p className="nothing">{isLoading ? 'Asking the host…' : 'No checkpoint yet.'}</p>}
      <ul className="checkpoint-list">
        {checkpoints.toReversed().map((made) => (
          <li key={made.id}>
            <span className="checkpoint-text">
              <span className="checkpoint-why">
                {made.id} · {shownText(whyText(made))}
              </span>
              <span className="dim">
                {made.actor && <ActorMark actor={made.actor} size="small" />}
                {made.actor?.name ?? 'somebody'} · {timeText(made.at)} · {countText(made.files, 'file')} · {changedText(made)}
              </span>
            </span>
            <CheckpointButtons session={session} checkpoint={made} />
          </li>
        ))}
      </ul>
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Close
        </Dialog.Close>
        <button type="button" className="button primary" onClick={make}>
          Make a checkpoint
        </button>
      </div>
    </DialogFrame>
  );
}

export function CheckpointButtons({ session, checkpoint }: { session: SessionKey; checkpoint: Checkpoint }) {
  return (
    <span className="checkpoint-buttons">
      <button
        type="button"
        className="button quiet"
        aria-label={`What changed since checkpoint ${checkpoint.id}`}
        onClick={() => app.set({ dialog: { is: 'difference', session, checkpoint } })}
      >
        Diff
      </button>
      <button
        type="button"
        className="button quiet"
        aria-label={`Restore checkpoint ${checkpoint.id}`}
        onClick={() => app.set({ dialog: { is: 'restore', session, checkpoint } })}
      >
        Restore…
      </button>
    </span>
  );
}

export function DifferenceDialog({ dialog: { session, checkpoint } }: { dialog: Extract<Question, { is: 'difference' }> }) {
  const [pages, setPages] = useState<readonly Result<'checkpoint.diff'>[]>([]);
  const [error, setError] = useState<string | null>(null);
  const fetch = (from: Result<'checkpoint.diff'> | null) => {
    const more = from?.next == null ? {} : { from: from.next, tree: from.tree };
    client(hostOfKey(session))
      .request('checkpoint.diff', { session: idOfKey(session), a: checkpoint.id, ...more })
      .then(
        (page) => setPages((known) => (from ? [...known, page] : [page])),
        (problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)),
      );
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each checkpoint
  useEffect(() => fetch(null), [session, checkpoint.id]);
  const [first] = pages;
  const last = pages.at(-1) ?? null;
  return (
    <DialogFrame title={`Since checkpoint ${checkpoint.id}`} testId="difference">
      {!first && error === null && <p className="nothing">Comparing…</p>}
      {first && (
        <p className="dim">
          {first.totals.files === 0
            ? 'Nothing changed since.'
            : `${countText(first.totals.files, 'file')}, ${first.totals.added} lines added, ${first.totals.deleted} deleted`}
        </p>
      )}
      {first && first.totals.files > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by key
        <section className="difference" aria-label="Changed lines" tabIndex={0}>
          {pages
            .flatMap(({ text }) => text.split('\n'))
            .map((line, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added at the end
              <div key={index} className={kindOf(line)}>
                {shownText(line) || ' '}
              </div>
            ))}
        </section>
      )}
      <Failure text={error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Close
        </Dialog.Close>
        {last?.next != null && (
          <button type="button" className="button" onClick={() => fetch(last)}>
            More
          </button>
        )}
        <button
          type="button"
          className="button primary"
          disabled={!first || first.totals.files === 0}
          onClick={() => app.set({ dialog: { is: 'restore', session, checkpoint } })}
        >
          Restore…
        </button>
      </div>
    </DialogFrame>
  );
}

function kindOf(line: string): string {
  if (/^(diff --git|index|---|\+\+\+|new file|deleted file|old mode|new mode|@@) ?/.test(line)) return 'head';
  return line.startsWith('+') ? 'added' : line.startsWith('-') ? 'deleted' : '';
}

type Planned = Result<'checkpoint.restore'>;

export function RestoreDialog({ dialog: { session, checkpoint } }: { dialog: Extract<Question, { is: 'restore' }> }) {
  const [isDeleting, setIsDeleting] = useState(false);
  const [planned, setPlanned] = useState<Planned | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    let isWanted = true;
    client(hostOfKey(session))
      .request('checkpoint.restore', { session: idOfKey(session), id: checkpoint.id, delete: isDeleting, dryRun: true })
      .then(
        (plan) => {
          if (!isWanted) return;
          setPlanned(plan);
          setError(null);
        },
        (problem: unknown) => isWanted && setError(problem instanceof Error ? problem.message : String(problem)),
      );
    return () => {
      isWanted = false;
    };
  }, [session, checkpoint.id, isDeleting]);
  const restore = async () => {
    setIsBusy(true);
    const failure = await restoreCheckpoint(session, checkpoint.id, isDeleting);
    setIsBusy(false);
    if (failure === null) closeDialog();
    else setError(failure);
  };
  const made = planned ? planned.kept.count + planned.deleted.count : 0;
  const isNothing = planned !== null && planned.written.count === 0 && planned.deleted.count === 0;
  return (
    <DialogFrame title={`Restore checkpoint ${checkpoint.id}`} testId="restore">
      <p>
        {shownText(whyText(checkpoint))}, {timeText(checkpoint.at)}. What is there now is kept as another checkpoint first.
      </p>
      {!planned && error === null && <p className="nothing">Looking what would change…</p>}
      {planned && (
        <FileList title={isNothing ? 'Nothing would change.' : `${planned.written.count} would be brought back`} {...planned.written} />
      )}
      {planned && isDeleting && <FileList title={`${planned.deleted.count} would be deleted`} {...planned.deleted} />}
      {made > 0 && (
        <label className="check">
          <input type="checkbox" checked={isDeleting} onChange={(event) => setIsDeleting(event.target.checked)} />
          Delete {made} made since
        </label>
      )}
      <Failure text={error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Cancel
        </Dialog.Close>
        <button
          type="button"
          className="button danger"
          disabled={!planned || isNothing || isBusy || error !== null}
          onClick={() => void restore()}
        >
          Restore
        </button>
      </div>
    </DialogFrame>
  );
}

function FileList({ title, count, paths }: { title: string; count: number; paths: readonly string[] }) {
  return (
    <>
      <p className="file-list-title">{title}</p>
      {paths.length > 0 && (
        <ul className="file-names">
          {paths.map((path) => (
            <li key={path}>{shownText(path)}</li>
          ))}
          {count > paths.length && <li>and {count - paths.length} more</li>}
        </ul>
      )}
    </>
  );
}
