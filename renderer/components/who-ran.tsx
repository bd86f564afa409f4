/** Who ran this: the command that printed a line, its people and how they came, who allowed it, and its place in the history. */
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import type { Result } from '#protocol/messages.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import { shownText } from '#session/shown-text.ts';
import { closeDialog, revealCommand, showInHistory } from '../state/actions.ts';
import { client } from '../state/engines.ts';
import { hostOfKey, idOfKey } from '../state/session-key.ts';
import { app, type Dialog as Question } from '../state/store.ts';
import { shortenPath, timeText } from '../text/format.ts';
import { ActorMark, INTERFACE_NAMES } from './actor-mark.tsx';
import { DialogFrame, Failure } from './dialog-frame.tsx';
import { authorsText, outcomeText } from './gutter.tsx';

export type Origin = Result<'history.at'>;

export function WhoRan({ dialog: { session, command: known, at } }: { dialog: Extract<Question, { is: 'who-ran' }> }) {
  const [origin, setOrigin] = useState<Origin | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    client(hostOfKey(session))
      .request('history.at', { session: idOfKey(session), at })
      .then(setOrigin, (problem: unknown) => setError(problem instanceof Error ? problem.message : String(problem)));
  }, [session, at]);
  const command = known ?? origin?.command ?? null;
  // A command that printed nothing has no byte of its own: what the host found there is another one's.
  const proof = origin && origin.command?.id === command?.id ? origin : null;
  return (
    <DialogFrame title="Who ran this?" testId="who-ran">
      {command && <Facts command={command} proof={proof} />}
      {!command && origin && <p>No recorded command printed this: it is a prompt, or from the session's own program.</p>}
      <Failure text={error} />
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Close
        </Dialog.Close>
        {command && (
          <>
            <button
              type="button"
              className="button"
              onClick={() => {
                closeDialog();
                revealCommand(session, command.id);
              }}
            >
              Show its output
            </button>
            <button
              type="button"
              className="button primary"
              onClick={() => {
                app.set({ dialog: null });
                showInHistory(hostOfKey(session), command.id);
              }}
            >
              Show in history
            </button>
          </>
        )}
      </div>
    </DialogFrame>
  );
}

function Facts({ command, proof }: { command: CommandRecord; proof: Origin | null }) {
  const { submitter } = command;
  return (
    <>
      <pre className="shown-text">{command.text === '' ? '(not recorded)' : shownText(command.text)}</pre>
      <dl className="facts">
        <dt>Typed by</dt>
        <dd className="who-line">
          {submitter && <ActorMark actor={submitter} size="small" />}
          {authorsText(command)}
        </dd>
        {submitter && (
          <>
            <dt>Submitted</dt>
            <dd>
              by {submitter.name}, {submitter.kind === 'agent' ? 'an agent, ' : ''}over {INTERFACE_NAMES[submitter.interface]}
            </dd>
          </>
        )}
        <Proof submitter={submitter !== null} proof={proof} />
        <dt>When</dt>
        <dd>
          {timeText(command.startedAt)}, {outcomeText(command)}
        </dd>
        <dt>Folder</dt>
        <dd>{shownText(shortenPath(command.cwd))}</dd>
        {proof?.journalSeq != null && (
          <>
            <dt>Journal</dt>
            <dd>record {proof.journalSeq}</dd>
          </>
        )}
      </dl>
    </>
  );
}

function Proof({ submitter, proof }: { submitter: boolean; proof: Origin | null }) {
  if (!proof) return null;
  return (
    <>
      {submitter && (
        <>
          <dt>Proof</dt>
          <dd>{proof.authentication ?? 'nothing: nobody attached submitted it'}</dd>
        </>
      )}
      <dt>Approval</dt>
      <dd>{approvalText(proof)}</dd>
    </>
  );
}

function approvalText({ approval }: Origin): string {
  if (!approval) return 'nobody was asked';
  const by = approval.decidedBy ? `by ${approval.decidedBy.name}` : 'decided by nobody';
  return `${approval.id}, ${by} at ${timeText(approval.at)}${approval.edited === null ? '' : ', edited by them'}`;
}
