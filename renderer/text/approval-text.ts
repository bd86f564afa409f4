/** Approvals in words, and those that are alike as one. Pure. */
import type { Approval } from '#protocol/approvals.ts';
import { shownText } from '#session/shown-text.ts';

/** Approvals that want exactly the same at the same place, oldest first: decided together. Questions stand alone. */
export type ApprovalGroup = readonly [Approval, ...Approval[]];

export function groupApprovals(pending: readonly Approval[]): ApprovalGroup[] {
  const groups = new Map<string, [Approval, ...Approval[]]>();
  for (const approval of pending) {
    const { id, kind, session, actor, folder, program, text, reason } = approval;
    const key = kind === 'question' ? `${id}` : JSON.stringify([kind, session, actor.id, folder, program, text, reason]);
    const known = groups.get(key);
    if (known) known.push(approval);
    else groups.set(key, [approval]);
  }
  return [...groups.values()];
}

/** What somebody wants, after their name: `wants to run`. */
export function wishText({ kind, program }: Approval): string {
  switch (kind) {
    case 'command':
      return 'wants to run';
    case 'keys':
      return `wants to type into ${program === null ? 'the program' : shownText(program)}`;
    case 'action':
      return 'wants to';
    case 'question':
      return 'asks';
  }
}

/** `4:05`; `0:00` once it is over. */
export function timeLeft(expiresAt: number, now: number): string {
  const seconds = Math.max(0, Math.ceil((expiresAt - now) / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

export function askedTodayText(count: number): string {
  return count === 1 ? 'Asked once today' : `Asked ${count} times today`;
}

const DECIDED = { approved: 'approved', rejected: 'rejected', expired: 'not answered in time', withdrawn: 'withdrawn' } as const;

/** `approved by ann`, `withdrawn: agents are paused`. */
export function decisionText({ kind, state, decidedBy, answer, edited }: Approval): string {
  if (state === 'pending') return 'waits';
  const by = decidedBy ? ` by ${decidedBy.name}` : '';
  const said = answer === null ? '' : `: ${shownText(answer)}`;
  const decided = kind === 'question' && state === 'approved' ? 'answered' : DECIDED[state];
  return `${decided}${by}${said}${edited === null ? '' : `, as ${shownText(edited)}`}`;
}

/** A piece of a text: as it is, or the name of what does not show. */
export type ShownPiece = { readonly text: string; readonly isEscape: boolean };

/** `text` with everything that does not show written out, and told from the same words where they were really typed. */
export function shownPieces(text: string): ShownPiece[] {
  const pieces: { text: string; isEscape: boolean }[] = [];
  for (const character of text) {
    const shown = shownText(character);
    const isEscape = shown !== character;
    const last = pieces.at(-1);
    if (last && !isEscape && !last.isEscape) last.text += shown;
    else pieces.push({ text: shown, isEscape });
  }
  return pieces;
}
