/** What a session's agent does: a shape and a name for each state, never colour alone. */
import { Bot, CircleCheck, CircleX, MessageCircleQuestion, ShieldQuestion } from 'lucide-react';
import type { AgentState } from '#protocol/shapes.ts';
import type { HostedSession } from '../state/store.ts';

const BADGES = {
  working: { Shape: Bot, text: 'works' },
  'waiting-approval': { Shape: ShieldQuestion, text: 'waits for approval' },
  'waiting-input': { Shape: MessageCircleQuestion, text: 'waits for you' },
  done: { Shape: CircleCheck, text: 'is done' },
  failed: { Shape: CircleX, text: 'failed' },
} as const satisfies Record<AgentState['is'], unknown>;

export function AgentBadge({ session: { agentState, state } }: { session: HostedSession }) {
  if (!agentState || state === 'ended') return null;
  const { Shape } = BADGES[agentState.is];
  const text = agentStateText(agentState);
  return (
    <span
      className={`agent-badge ${agentState.is}`}
      role="img"
      aria-label={text}
      title={text}
      data-testid="agent-badge"
      data-is={agentState.is}
    >
      <Shape size={13} aria-hidden="true" />
    </span>
  );
}

/** `fixer waits for approval: echo one` */
export function agentStateText({ is, name, message }: AgentState): string {
  return `${name} ${BADGES[is].text}${message ? `: ${message}` : ''}`;
}
