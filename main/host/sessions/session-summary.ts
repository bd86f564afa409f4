/** A session as clients see it in their lists. */
import { formatAddress, LOCAL_HOST } from '#protocol/address.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import type { AgentTracker } from '#session/agent-state.ts';
import { shownCommand } from '#session/shown-command.ts';
import type { StoredSession } from '../journal/records.ts';
import type { SessionClients } from './session-clients.ts';
import type { SessionCommands } from './session-commands.ts';
import type { SessionControl } from './session-control.ts';
import type { SessionOutput } from './session-output.ts';
import type { SessionSize } from './session-size.ts';

export type SessionParts = {
  stored: StoredSession;
  commands: SessionCommands;
  clients: SessionClients;
  control: SessionControl;
  size: SessionSize;
  output: SessionOutput;
  agent: AgentTracker;
};

export function summaryOf({ stored, commands, clients, control, size, output, agent }: SessionParts): SessionSummary {
  const { id, name, command, title, createdAt, endedAt, end } = stored;
  return {
    id,
    name,
    address: formatAddress({ host: LOCAL_HOST, session: name }),
    state: end ? 'ended' : 'running',
    end,
    command: shownCommand(command),
    cwd: commands.cwd ?? stored.cwd,
    title,
    size: stored.size,
    createdAt,
    endedAt,
    running: end ? null : commands.running,
    attached: clients.presence(),
    control: control.control(),
    agentsPaused: control.agentsPaused,
    sizePolicy: size.policy,
    observerFiles: stored.access?.observerFiles ?? null,
    outputEnd: output.end,
    agentState: agent.state,
    isPinned: stored.isPinned === true,
  };
}
