/** The red button that stops every agent at once, and what is seen while they are stopped. */
import { OctagonPause, Play } from 'lucide-react';
import { pauseAgents, pauseAgentsIn } from '../state/agents.ts';
import { findHost, type HostedSession, useApp } from '../state/store.ts';
import { IconButton } from './icon-button.tsx';

export function PauseAgents() {
  const hosts = useApp((state) => state.hosts);
  const isPaused = hosts.some(({ agentsPaused }) => agentsPaused);
  const hasAgents = hosts.some(({ sessions }) =>
    sessions?.some(({ attached, agentState }) => agentState || attached.some(({ actor }) => actor.kind === 'agent')),
  );
  if (isPaused) {
    return (
      <IconButton
        label="Resume agents"
        hint="Let agents act again, everywhere"
        className="wide pause paused"
        data-testid="resume-agents"
        onClick={() => void pauseAgents(false)}
      >
        <Play size={14} aria-hidden="true" />
        Resume agents
      </IconButton>
    );
  }
  return (
    <IconButton
      label="Pause agents"
      hint="Stop every agent everywhere at once"
      command="pause-agents"
      className={`wide pause${hasAgents ? ' needed' : ''}`}
      data-testid="pause-agents"
      onClick={() => void pauseAgents()}
    >
      <OctagonPause size={15} aria-hidden="true" />
      {hasAgents && 'Pause agents'}
    </IconButton>
  );
}

/** In the control bar of each session that it holds for. */
export function PausedMark({ session }: { session: HostedSession }) {
  const host = useApp((state) => findHost(state, session.host));
  const isEverywhere = host?.agentsPaused ?? false;
  if (session.state === 'ended' || (!isEverywhere && !session.agentsPaused)) return null;
  const resume = () => void (isEverywhere ? pauseAgents(false) : pauseAgentsIn(session, false));
  return (
    <span className="paused-mark" role="status" data-testid="paused-mark">
      <OctagonPause size={14} aria-hidden="true" />
      Agents are paused{isEverywhere ? '' : ' in this session'}
      <button type="button" className="button small" onClick={resume}>
        Resume
      </button>
    </span>
  );
}
