/** One command record: what was run, by whom, when, how long, how it ended. */
import type { CommandRecord } from '#protocol/shapes.ts';
import { durationText, shortenPath, timeText } from '../text/format.ts';
import { ActorMark } from './actor-mark.tsx';
import { authorsText } from './gutter.tsx';

/** Height of a row, CSS pixels, as in history.css. */
export const HISTORY_ROW_PX = 46;

export function HistoryRow({
  command,
  top,
  showSession,
  onOpen,
}: {
  command: CommandRecord;
  top: number;
  showSession: boolean;
  onOpen: (byMouse: boolean) => void;
}) {
  const by = command.submitter ?? command.authors[0] ?? null;
  return (
    <li className="history-row" style={{ transform: `translateY(${top}px)` }} data-testid="history-row" data-command={command.id}>
      <button type="button" title={`${command.text}\nin ${command.cwd}`} onClick={(event) => onOpen(event.detail > 0)}>
        {by ? <ActorMark actor={by} size="small" /> : <span className="actor-mark small nobody" aria-hidden="true" />}
        <span className="history-text">
          <span className="history-line">
            <code>{command.text || '(not recorded)'}</code>
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
