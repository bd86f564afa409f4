/** What a person must know of an approval: the exact bytes, where, why by the agent's word, what the rules saw, how long. */
import { TriangleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Approval } from '#protocol/approvals.ts';
import { shownText } from '#session/shown-text.ts';
import { openTab } from '../state/actions.ts';
import { sessionKey } from '../state/session-key.ts';
import { shownPieces, timeLeft } from '../text/approval-text.ts';
import { shortenPath } from '../text/format.ts';

/** Less than this is worth a warning colour, milliseconds. */
const SOON_MS = 60_000;

/** Every character in the order it would be written; what does not show is named, and looks unlike what was typed. */
export function ShownText({ text }: { text: string }) {
  const pieces = shownPieces(text);
  return (
    <pre className="shown-text" data-testid="approval-text">
      {pieces.map(({ text: piece, isEscape }, at) =>
        isEscape ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text never move
          <mark key={at}>{piece}</mark>
        ) : (
          piece
        ),
      )}
    </pre>
  );
}

export function ApprovalFacts({ approval, host, hasSession }: { approval: Approval; host: string; hasSession: boolean }) {
  const { session, sessionName, folder, program, reason, seen, rule, alike, actor } = approval;
  const isQuestion = approval.kind === 'question';
  return (
    <div className="approval-facts">
      {seen.length > 0 && (
        <p className="approval-seen">
          <TriangleAlert size={13} aria-label="Note" />
          <span>{seen.map(shownText).join('; ')}</span>
        </p>
      )}
      <dl className="facts">
        {hasSession && sessionName !== '' && (
          <>
            <dt>Session</dt>
            <dd>
              <button type="button" className="link" onClick={() => openTab(sessionKey(host, session))}>
                {sessionName}
              </button>
            </dd>
          </>
        )}
        {folder !== '' && !isQuestion && (
          <>
            <dt>Folder</dt>
            <dd className="path" title={folder}>
              {shownText(shortenPath(folder))}
            </dd>
          </>
        )}
        {program !== null && approval.kind !== 'keys' && (
          <>
            <dt>Program</dt>
            <dd>{shownText(program)}</dd>
          </>
        )}
        {!isQuestion && (
          <>
            <dt>{actor.name} says</dt>
            <dd>{reason ? `“${shownText(reason)}”` : <span className="dim">no reason</span>}</dd>
          </>
        )}
        {rule !== null && (
          <>
            <dt>Asked by</dt>
            <dd>{shownText(rule)}</dd>
          </>
        )}
      </dl>
      {alike > 1 && <p className="dim">{alike} like this within an hour</p>}
    </div>
  );
}

export function TimeLeft({ approval: { expiresAt } }: { approval: Approval }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className={`time-left${expiresAt - now < SOON_MS ? ' soon' : ''}`} title="Then it is rejected" role="timer">
      {timeLeft(expiresAt, now)} left
    </span>
  );
}
