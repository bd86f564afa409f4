/**
 * One approval, or several that are alike: everything a person must see before saying yes, and every answer.
 *
 * A card may appear under hands that are typing. So it takes no key unless it was gone to, its letters are plain ones that
 * Enter and Space are not among, and for a moment after it appeared it takes nothing at all, not even a click.
 */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Approval } from '#protocol/approvals.ts';
import { focusTerminal } from '../state/actions.ts';
import { keyText } from '../state/commands.ts';
import { type Decision, decide } from '../state/deciding.ts';
import { type ApprovalGroup, wishText } from '../text/approval-text.ts';
import { ActorMark } from './actor-mark.tsx';
import { ApprovalFacts, ShownText, TimeLeft } from './approval-facts.tsx';
import { AnswerForm, EditForm, RejectForm, RuleForm } from './approval-forms.tsx';
import { Keys } from './hint.tsx';

/** How long a card that appeared takes no answer, milliseconds: longer than a key that was on its way. */
const INERT_MS = 400;

export type CardMode = 'edit' | 'reject' | 'rule';

type CardProps = {
  host: string;
  group: ApprovalGroup;
  /** Over the terminal, or in the panel of all. */
  place: 'over' | 'panel';
  /** To the next or the one before it; where there is only one, absent. */
  onStep?: ((by: 1 | -1) => void) | undefined;
  /** Away for now. */
  onLater?: (() => void) | undefined;
  /** `2 of 3` */
  position?: string | undefined;
};

export function ApprovalCard({ host, group, place, onStep, onLater, position }: CardProps) {
  const [approval] = group;
  const card = useRef<HTMLElement>(null);
  const [opened, setOpened] = useState<{ id: number; mode: CardMode } | null>(null);
  const [isDeciding, setIsDeciding] = useState(false);
  const isArmed = useArmed(approval.id) && !isDeciding;
  const mode = opened?.id === approval.id ? opened.mode : null;
  const setMode = (next: CardMode | null) => {
    setOpened(next && { id: approval.id, mode: next });
    if (next === null) card.current?.focus();
  };
  const answer = async (decision: Decision) => {
    if (!isArmed) return;
    const next = card.current?.nextElementSibling;
    card.current?.focus();
    setIsDeciding(true);
    await decide(host, group, decision);
    setIsDeciding(false);
    requestAnimationFrame(() => {
      if (card.current?.isConnected) card.current.focus();
      else if (next instanceof HTMLElement && next.isConnected && next.dataset.approvalCard) next.focus();
      else focusTerminal();
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.altKey || event.metaKey) {
      if (event.key === 'Escape') setMode(null);
      return;
    }
    if (event.repeat) return;
    if (event.key === 'Escape') {
      if (mode) setMode(null);
      else focusTerminal();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') onStep?.(event.key === 'ArrowDown' ? 1 : -1);
    else if (event.key.toLowerCase() === 'l') onLater?.();
    else if (!isArmed || mode !== null) return;
    else if (/^[1-9]$/.test(event.key)) {
      const choice = approval.choices[Number(event.key) - 1];
      if (choice === undefined) return;
      void answer({ decision: 'approve', answer: choice });
    } else {
      const act = actionOf(approval, event.key.toLowerCase());
      if (!act) return;
      if (act.is === 'decide') void answer(act.decision);
      else if (act.is === 'open') setMode(act.mode);
      else card.current?.querySelector<HTMLInputElement>('input')?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const count = group.length;
  return (
    <section
      ref={card}
      className={`approval-card ${place}`}
      tabIndex={-1}
      aria-label={`Approval ${approval.id}: ${approval.actor.name} ${wishText(approval)} ${approval.shown}`}
      data-approval-card={place}
      data-testid="approval-card"
      data-approval={approval.id}
      data-armed={isArmed}
      onKeyDown={onKeyDown}
    >
      <header className="approval-head">
        <ActorMark actor={approval.actor} size="small" />
        <span className="approval-wish">
          <strong>{approval.actor.name}</strong> {wishText(approval)}
        </span>
        {count > 1 && <span className="tag">{count} alike</span>}
        <span className="spring" />
        {position && <span className="dim">{position}</span>}
        <TimeLeft approval={approval} />
        {place === 'over' && (
          <span className="approval-way">
            <Keys text={keyText('go-to-approval') ?? ''} />
          </span>
        )}
      </header>
      <ShownText text={approval.text} />
      <ApprovalFacts approval={approval} host={host} hasSession={place === 'panel'} />
      {mode === 'edit' && <EditForm approval={approval} onBack={() => setMode(null)} onAnswer={answer} />}
      {mode === 'reject' && <RejectForm approval={approval} onBack={() => setMode(null)} onAnswer={answer} />}
      {mode === 'rule' && <RuleForm approval={approval} onBack={() => setMode(null)} onAnswer={answer} />}
      {mode === null && approval.kind === 'question' && <AnswerForm approval={approval} isArmed={isArmed} onAnswer={answer} />}
      {mode === null && (
        <div className="approval-buttons">
          {ACTIONS.filter((action) => action.isOffered(approval)).map(({ key, title, act, isMain }) => (
            <button
              key={key}
              type="button"
              className={`button small${isMain ? ' primary' : ''}`}
              disabled={!isArmed}
              aria-keyshortcuts={key}
              onClick={() => (act.is === 'decide' ? void answer(act.decision) : act.is === 'open' && setMode(act.mode))}
            >
              {title(count, approval)}
              <Keys text={key.toUpperCase()} />
            </button>
          ))}
          {onLater && (
            <button type="button" className="button small quiet" onClick={onLater}>
              Later
              <Keys text="L" />
            </button>
          )}
        </div>
      )}
    </section>
  );
}

type Act = { is: 'decide'; decision: Decision } | { is: 'open'; mode: CardMode } | { is: 'field' };

type Action = {
  key: string;
  title: (count: number, approval: Approval) => string;
  act: Act;
  isMain?: boolean;
  isOffered: (approval: Approval) => boolean;
};

const isQuestion = ({ kind }: Approval) => kind === 'question';

const ACTIONS: readonly Action[] = [
  {
    key: 'a',
    title: (count) => (count > 1 ? `Approve ${count}, once` : 'Approve once'),
    act: { is: 'decide', decision: { decision: 'approve' } },
    isMain: true,
    isOffered: (approval) => !isQuestion(approval),
  },
  {
    key: 's',
    title: () => 'For this session',
    act: { is: 'decide', decision: { decision: 'approve', scope: 'session' } },
    isOffered: (approval) => !isQuestion(approval) && approval.sessionName !== '',
  },
  { key: 'r', title: () => 'As a rule…', act: { is: 'open', mode: 'rule' }, isOffered: ({ offer }) => offer !== null },
  { key: 'e', title: () => 'Edit…', act: { is: 'open', mode: 'edit' }, isOffered: ({ kind }) => kind === 'command' },
  {
    key: 'x',
    title: (_count, { kind }) => (kind === 'question' ? 'Do not answer…' : 'Reject…'),
    act: { is: 'open', mode: 'reject' },
    isOffered: () => true,
  },
];

function actionOf(approval: Approval, key: string): Act | undefined {
  if (key === 'a' && isQuestion(approval)) return { is: 'field' };
  return ACTIONS.find((action) => action.key === key && action.isOffered(approval))?.act;
}

/** Whether what is shown has been shown long enough to be answered. */
function useArmed(id: number): boolean {
  const [armed, setArmed] = useState<number | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setArmed(id), INERT_MS);
    return () => clearTimeout(timer);
  }, [id]);
  return armed === id;
}
