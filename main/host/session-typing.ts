/** What stands on both sides of a session's gate: the policy before it, what is known of accepted input after it, secrets apart. */
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { AgentEvent } from '#session/agent-state.ts';
import { AgentInput } from './agent-input.ts';
import type { PolicyDesk } from './input-judge.ts';
import type { SessionClients } from './session-clients.ts';
import type { SessionCommands } from './session-commands.ts';
import type { InputSource, SessionInput, Unit } from './session-input.ts';
import type { TtyModes } from './tty-state.ts';

export type SessionTypingOptions = {
  stored: { readonly id: SessionId; readonly name: string };
  clients: SessionClients;
  commands: SessionCommands;
  input(): SessionInput;
  desk: PolicyDesk;
  /** How the session's terminal is set now; null where that is not known. */
  tty: () => TtyModes | null;
  clock: { now(): number };
  events: { typing(params: EventParams<'actor.typing'>): void };
  agentSaw(event: AgentEvent): void;
};

export class SessionTyping {
  readonly #options: SessionTypingOptions;
  readonly agents: AgentInput;

  constructor(options: SessionTypingOptions) {
    const { stored, commands, input } = options;
    this.#options = options;
    this.agents = new AgentInput({
      session: { id: stored.id, name: () => stored.name },
      desk: options.desk,
      now: options.clock.now,
      context: () => commands.context(() => options.tty()?.isCanonical ?? null),
      isSecret: this.isSecret,
      fault: (source, unit) => input().fault(source, unit),
      admit: (source, unit, approval) => input().admit(source, unit, approval),
      refuse: (source, unit, refusal) => {
        const refused = input().refused(source, unit, refusal);
        const attached = options.clients.of(source.client);
        attached?.connection.event('input.refused', { channel: attached.channel, ...refused });
      },
    });
    commands.onContext(() => this.agents.contextChanged());
  }

  readonly holds = (source: InputSource, unit: Unit): boolean => this.agents.holds(source, unit);

  /** The program reads a line and does not show it. A shell at its prompt is asked nothing: it edits lines itself. */
  readonly isSecret = (): boolean => {
    if (this.#options.commands.isEditing) return false;
    const modes = this.#options.tty();
    return modes?.isCanonical === true && !modes.isEchoing;
  };

  /** A unit passed the gate. */
  readonly accepted = ({ client, actor }: InputSource, unit: Unit, isSecret: boolean): void => {
    const { commands, clients, clock, events, stored, agentSaw } = this.#options;
    if (isSecret) commands.secretTyped();
    else commands.input({ ...unit, client, actor: actor.id });
    clients.written(client, unit.seq, unit.bytes.length);
    agentSaw({ is: 'input', agent: actor.kind === 'agent' ? actor.name : null });
    if (!clients.isTypingNews(client, clock.now(), isSecret)) return;
    events.typing({ session: stored.id, actor: actor.id, client, ...(isSecret ? { secret: true } : {}) });
  };

  reason(client: ClientId, reason: string): void {
    this.agents.reason(client, reason);
  }
}
