/**
 * What the agent in a session does: working, waiting for a person, done or failed. Pure.
 *
 * Of an agent that works through the protocol the host sees every step. Of one that just runs in the terminal it sees what
 * the program tells its terminal: notifications (OSC 9, OSC 777), progress (OSC 9;4), the bell, and its end.
 */
import type { AgentState } from '#protocol/shapes.ts';

/** Programs that are agents; of any other only a notification counts. */
const AGENT_PROGRAMS = new Set([
  'claude',
  'codex',
  'gemini',
  'cursor-agent',
  'copilot',
  'aider',
  'opencode',
  'goose',
  'amp',
  'qwen',
  'crush',
  'droid',
  'kiro-cli',
]);
/** Longest message kept, characters. */
const MAX_MESSAGE = 200;

export type AgentEvent =
  /** A unit was typed; `agent`: by an agent of this name, null: by a person. */
  | { is: 'input'; agent: string | null }
  /** A command line began to run; `agent`: who submitted it, if an agent. */
  | { is: 'command-started'; text: string; agent: string | null }
  | { is: 'command-ended'; exitCode: number | null; agent: string | null }
  | { is: 'osc'; code: number; payload: string }
  | { is: 'bell' }
  /** The last attachment of this agent is gone. */
  | { is: 'agent-left'; agent: string }
  /** Approvals or questions of this agent wait for a person; empty: none does. */
  | { is: 'asks'; agent: string; kind: 'approval' | 'input'; message: string | null }
  | { is: 'answered'; agent: string };

export class AgentTracker {
  #state: AgentState | null = null;
  /** What runs in the terminal by a person's hand: its first word, and whether it is an agent. */
  #program: { name: string; isAgent: boolean } | null = null;

  get state(): AgentState | null {
    return this.#state;
  }

  /** True if the state is another one now. */
  take(event: AgentEvent, now: number): boolean {
    const next = this.#next(event);
    if (next === undefined) return false;
    const { is = null, name = null, message = null } = next ?? {};
    const was = this.#state;
    if ((was?.is ?? null) === is && (was?.name ?? null) === name && (was?.message ?? null) === message) return false;
    this.#state = next && { ...next, since: now };
    return true;
  }

  /** Undefined: nothing changes. */
  #next(event: AgentEvent): Omit<AgentState, 'since'> | null | undefined {
    switch (event.is) {
      case 'input':
        if (event.agent !== null) return state('working', event.agent);
        return this.#typedByPerson();
      case 'command-started':
        if (event.agent !== null) return state('working', event.agent);
        this.#program = programIn(event.text);
        return this.#program.isAgent ? state('working', this.#program.name) : null;
      case 'command-ended': {
        const own = this.#program?.name ?? null;
        const name = event.agent ?? (this.#state?.name === own ? own : null);
        this.#program = null;
        return name === null ? undefined : state(event.exitCode === 0 || event.exitCode === null ? 'done' : 'failed', name);
      }
      case 'osc':
        return this.#told(event.code, event.payload);
      case 'bell':
        return this.#program?.isAgent ? state('waiting-input', this.#program.name, this.#state?.message ?? null) : undefined;
      case 'agent-left':
        return this.#state?.name === event.agent && this.#state.is !== 'done' && this.#state.is !== 'failed' ? null : undefined;
      case 'asks':
        return state(event.kind === 'approval' ? 'waiting-approval' : 'waiting-input', event.agent, event.message);
      case 'answered':
        return this.#state?.name === event.agent ? state('working', event.agent) : undefined;
    }
  }

  /** Whoever types has seen how it ended, or answers what it waited for. */
  #typedByPerson(): Omit<AgentState, 'since'> | null | undefined {
    if (this.#state?.is === 'done' || this.#state?.is === 'failed') return null;
    if (this.#state?.is === 'waiting-input' && this.#program) return this.#program.isAgent ? state('working', this.#program.name) : null;
    return undefined;
  }

  #told(code: number, payload: string): Omit<AgentState, 'since'> | null | undefined {
    const program = this.#program;
    if (!program) return undefined;
    const progress = code === 9 ? /^4;(\d)/.exec(payload)?.[1] : undefined;
    if (progress !== undefined) {
      if (!program.isAgent) return undefined;
      if (progress === '0') return state('waiting-input', program.name);
      return state(progress === '2' ? 'failed' : 'working', program.name);
    }
    // ConEmu's other commands are numbers as well; a notification is a text.
    if (code === 9) return /^\d+(;|$)/.test(payload) ? undefined : state('waiting-input', program.name, clean(payload));
    const [verb, title = '', ...body] = payload.split(';');
    if (code !== 777 || verb !== 'notify') return undefined;
    return state('waiting-input', program.name, clean([title, body.join(';')].filter((part) => part !== '').join(': ')));
  }
}

function state(is: AgentState['is'], name: string, message: string | null = null): Omit<AgentState, 'since'> {
  return { is, name, message };
}

/** The first word that is no assignment, without its folder. */
function programIn(text: string): { name: string; isAgent: boolean } {
  const word = text.split(/\s+/).find((each) => each !== '' && !/^\w+=/.test(each) && each !== 'exec' && each !== 'sudo') ?? '';
  const name = word.slice(word.lastIndexOf('/') + 1).slice(0, 64);
  return { name, isAgent: AGENT_PROGRAMS.has(name) };
}

function clean(text: string): string | null {
  return (
    text
      .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
      .trim()
      .slice(0, MAX_MESSAGE) || null
  );
}
