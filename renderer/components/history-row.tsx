/** One command record: what was run, by whom, when, how long, how it ended. */
import { memo } from 'react';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { shownText } from '#session/shown-text.ts';
import { changedText, whyText } from '../state/checkpoints.ts';
import type { SessionKey } from '../state/session-key.ts';
import { commandText, durationText, shortenPath, timeText } from '../text/format.ts';
import { ActorMark } from './actor-mark.tsx';
import { CheckpointButtons } from './checkpoint-dialogs.tsx';
import { authorsText } from './gutter.tsx';

/** Height of a row, CSS pixels, as in history.css. */
export const HISTORY_ROW_PX = 46;

/** Drawn anew only when its record changed: others scroll past. */
export const HistoryRow = memo(function HistoryRow({
  command,
  top,
  showSession,
  onOpen,
}: {
  command: CommandRecord;
  top: number;
  showSession: boolean;
  onOpen: (command: CommandRecord, byMouse: boolean) => void;
}) {
  const text = commandText(command);
  const by = command.submitter ?? command.authors[0] ?? null;
  return (
    <li className="history-row" style={{ transform: `translateY(${top}px)` }} data-testid="history-row" data-command={command.id}>
      <button type="button" title={`${text}\nin ${command.cwd}`} onClick={(event) => onOpen(command, event.detail > 0)}>
        {by ? <ActorMark actor={by} size="small" /> : <span className="actor-mark small nobody" aria-hidden="true" />}
        <span className="history-text">
          <span className="history-line">
            <code>{text || '(not recorded)'}</code>
            <Exit command={command} />
          </span>
          <span className="history-line dim">
            <span className="history-who">{authorsText(command)}</span>
            <span className="history-where">
              <bdi>{showSession ? command.sessionName : shortenPath(command.cwd)}</bdi>
            </span>
            <span className="history-when">
              {command.durationMs !== null && `${durationText(command.durationMs)} · `}
              {timeText(command.startedAt)}
            </span>
          </span>
        </span>
      </button>
    </li>
  );
});

/** The host is asked what stands here. */
export function AwaitedRow({ top }: { top: number }) {
  return (
    <li className="history-row awaited" style={{ transform: `translateY(${top}px)` }} aria-busy="true" data-testid="awaited-row">
      <span className="actor-mark small nobody" aria-hidden="true" />
      <span className="history-text dim">…</span>
    </li>
  );
}

/** A checkpoint among the commands, where it was made. */
export function CheckpointRow({ checkpoint, session, top }: { checkpoint: Checkpoint; session: SessionKey; top: number }) {
  const { actor, at, id } = checkpoint;
  return (
    <li className="history-row checkpoint" style={{ transform: `translateY(${top}px)` }} data-testid="checkpoint-row" data-checkpoint={id}>
      {actor ? <ActorMark actor={actor} size="small" /> : <span className="actor-mark small nobody" aria-hidden="true" />}
      <span className="checkpoint-text" title={checkpoint.folder}>
        <span className="checkpoint-why">
          Checkpoint {id}: {shownText(whyText(checkpoint))}
        </span>
        <span className="dim">
          {actor?.name ?? 'somebody'} · {timeText(at)} · {changedText(checkpoint)}
        </span>
      </span>
      <CheckpointButtons session={session} checkpoint={checkpoint} />
    </li>
  );
}

function Exit({ command: { endedAt, exitCode } }: { command: CommandRecord }) {
  if (endedAt === null) return <span className="exit running">running</span>;
  if (exitCode === null) return null;
  return (
    <span className={exitCode === 0 ? 'exit fine' : 'exit failed'} title={`Exit code ${exitCode}`}>
      {exitCode}
    </span>
  );
}
