/** What is said to a session's input by the policy: what the input is there, a line or keys, and what makes that unsure. */
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { type Decision, isExact, type PolicyRules, type Subject } from '#session/policy.ts';
import type { Protected } from '#session/protected-places.ts';
import { textOf } from '#session/shown-text.ts';
import type { Approvals } from './approvals.ts';
import { lineOf } from './held-line.ts';
import type { InputContext } from './input-context.ts';

/** What an agent's input is judged by, for every session of the host. */
export type PolicyDesk = {
  rules(): PolicyRules;
  readonly approvals: Approvals;
  readonly protected: Protected;
  readonly home: string;
  /**
   * Whether an agent's input in this folder may be judged now. False: what must be done before has begun, and `ready` is
   * called when it is done, or has taken too long.
   */
  isPrepared(input: { session: SessionId; client: ClientId; actor: Actor; folder: string; ready: () => void }): boolean;
};

export type Judged = { decision: Decision; subject: Subject; seen: string[] };

export class InputJudge {
  readonly #desk: PolicyDesk;
  readonly #session: { id: SessionId; name(): string };

  constructor(desk: PolicyDesk, session: { id: SessionId; name(): string }) {
    this.#desk = desk;
    this.#session = session;
  }

  /** `prefix`: what the line holds already, of the same actor. */
  judge({ actor, bytes, prefix, context }: { actor: Actor; bytes: Uint8Array; prefix: string; context: InputContext }): Judged {
    const { text, isText } = textOf(bytes);
    const isPrompt = context.is === 'prompt';
    const subject = this.#subject(actor, isPrompt ? lineOf(prefix + text, context.bracketedPaste) : text, context);
    const decision = this.#desk.rules().decide(subject);
    const seen = [...decision.seen];
    if (!isText) seen.push('bytes that are no text');
    if (context.is === 'unfinished') seen.push('may continue an unfinished line');
    if (isPrompt && context.drafted.length > 0 && prefix === '') seen.push('the line already holds keys');
    const isUnsure = seen.length > decision.seen.length && isAgent(actor);
    return { decision: decision.verdict === 'allow' && isUnsure ? { ...decision, verdict: 'ask' } : decision, subject, seen };
  }

  /** Keys to what runs, whatever that is. */
  keys(actor: Actor, text: string, { folder, program }: InputContext): Decision {
    return this.#desk.rules().decide(this.#subject(actor, text, { is: 'program', folder, program }));
  }

  #subject(
    actor: Actor,
    text: string,
    { is, folder, program }: { is: InputContext['is']; folder: string; program: string | null },
  ): Subject {
    return {
      actor: { name: actor.name, isAgent: isAgent(actor) },
      session: { id: this.#session.id, name: this.#session.name() },
      folder,
      kind: is === 'prompt' ? 'command' : 'keys',
      text,
      program: is === 'program' ? program : null,
      home: this.#desk.home,
      protected: this.#desk.protected,
    };
  }
}

/** An agent, however its client calls itself. */
export const isAgent = (actor: Pick<Actor, 'kind' | 'interface'>): boolean => actor.kind === 'agent' || actor.interface === 'mcp';

/** What approving for the session covers: the same line in the same folder, or any keys to the same program. */
export function grantKey(actor: Actor, subject: Subject, context: InputContext, { line }: Decision): string | null {
  const parts = (last: string) => [actor.id, subject.kind, context.folder, last].join('\0');
  if (subject.kind === 'keys') return context.is === 'program' && context.program !== null ? parts(context.program) : null;
  const isSteady = line && (isExact(line) || !line.opaque.some((why) => /history|control|Tab|do not show|several/.test(why)));
  return isSteady && context.drafted.length === 0 ? parts(subject.text) : null;
}

/** What must be the same when it is approved. */
export const keyOf = ({ is, generation, folder, program, drafted, alternateScreen }: InputContext) =>
  JSON.stringify([is, generation, folder, program, drafted.length, alternateScreen]);

/** What a person is asked about: a whole line with its Enter, without the frame of a paste that says nothing. */
export function shownLine(text: string, subject: Subject): string {
  const isFramed = subject.kind === 'command' && text === `\x1b[200~${subject.text}\x1b[201~\r`;
  return isFramed ? `${subject.text}\r` : text;
}
