/** What a host tells becomes what the store holds: its sessions, who types, command records, and which tabs are still there. */
import type { ConnectionEvent } from '#client/connection.ts';
import { formatAddress } from '#protocol/address.ts';
import type { EventParams, Result } from '#protocol/messages.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { hostTitle } from '../text/host-state.ts';
import { approvalChanged } from './approvals.ts';
import { checkpointMade } from './checkpoints.ts';
import { settleRequests } from './control-requests.ts';
import { guestEnded, inviteChanged } from './guests.ts';
import { agentMoved } from './notices.ts';
import { portsChanged } from './ports.ts';
import { progressListeners } from './replaying.ts';
import { hostOfKey, type SessionKey, sessionKey } from './session-key.ts';
import { app, commandListeners, findHost, findSession, type HostedSession, setHost, setPreferences, toast, typingKey } from './store.ts';
import { pointedAt, said } from './talk.ts';
import { terminals } from './terminals.ts';

/** How long someone counts as typing after a keystroke was reported, milliseconds. */
const TYPING_MS = 1_500;

export function watched(host: string, { sessions, warnings, agentsPaused }: Result<'host.watch'>): void {
  const isFirst = findHost(app.get(), host)?.sessions === null;
  const hosted = sessions.toSorted((a, b) => a.createdAt - b.createdAt).map((session) => hostedOn(host, session));
  setHost(host, { sessions: hosted, warnings, agentsPaused });
  for (const { key, state } of hosted) if (state === 'running') terminals.get(key)?.goOn();
  keepTabs((tab) => hostOfKey(tab) !== host || hosted.some(({ key }) => key === tab));
  if (!isFirst) terminals.fetchCommands(host);
}

export function received(host: string, event: ConnectionEvent): void {
  switch (event.event) {
    case 'session.changed':
      sessionChanged(hostedOn(host, event.params.session));
      return;
    case 'session.removed':
      sessionRemoved(host, sessionKey(host, event.params.session));
      return;
    case 'actor.typing':
      typed(typingKey(sessionKey(host, event.params.session), event.params.client), event.params.secret === true);
      return;
    case 'command.changed':
      terminals.get(sessionKey(host, event.params.command.session))?.commandChanged(event.params.command);
      for (const listener of commandListeners) listener(host, event.params.command);
      return;
    case 'approval.changed':
      approvalChanged(host, event.params.approval);
      return;
    case 'checkpoint.made':
      checkpointMade(host, event.params.checkpoint);
      return;
    case 'share.changed':
      inviteChanged(host, event.params);
      return;
    case 'share.ended':
      guestEnded(host, event.params);
      return;
    case 'share.said':
      said(host, event.params);
      return;
    case 'share.pointed':
      pointedAt(host, event.params);
      return;
    case 'agents.changed':
      agentsChanged(host, event.params);
      return;
    case 'ports.changed':
      portsChanged(sessionKey(host, event.params.session), event.params.ports);
      return;
    case 'replay.progress':
      for (const listener of progressListeners) listener(host, event.params);
      return;
    case 'host.warnings':
      setHost(host, { warnings: event.params.warnings });
      return;
  }
}

/** The host is taken out of this window, and its tabs with it. */
export function forgetHost(host: string): void {
  keepTabs((tab) => hostOfKey(tab) !== host);
}

/** A host calls itself local, whatever it is called here. */
const hostedOn = (host: string, session: SessionSummary): HostedSession => ({
  ...session,
  host,
  key: sessionKey(host, session.id),
  address: formatAddress({ host, session: session.name }),
});

/** Whoever stopped them, everybody is told: an agent that stands still must not look broken. */
function agentsChanged(host: string, { agentsPaused, by }: EventParams<'agents.changed'>): void {
  const view = findHost(app.get(), host);
  setHost(host, { agentsPaused });
  if (by.name !== view?.me?.name)
    toast(`${by.name} ${agentsPaused ? 'paused' : 'resumed'} all agents on ${hostTitle(host)}.`, 'quiet', `agents ${host}`);
}

function sessionChanged(session: HostedSession): void {
  agentMoved(findSession(app.get(), session.key) ?? undefined, session);
  settleRequests(session);
  if (session.state === 'running') terminals.get(session.key)?.goOn();
  const known = findHost(app.get(), session.host)?.sessions ?? [];
  const isNew = !known.some(({ key }) => key === session.key);
  setHost(session.host, { sessions: isNew ? [...known, session] : known.map((each) => (each.key === session.key ? session : each)) });
}

function sessionRemoved(host: string, removed: SessionKey): void {
  const known = findHost(app.get(), host)?.sessions;
  setHost(host, { sessions: known?.filter(({ key }) => key !== removed) ?? null });
  keepTabs((tab) => tab !== removed);
}

/** Closes the other tabs; where the one in front goes, its neighbour takes its place. */
function keepTabs(isKept: (tab: string) => boolean): void {
  const { tabs, activeTab } = app.get().preferences;
  const kept = tabs.filter(isKept);
  if (kept.length === tabs.length) return;
  const at = tabs.slice(0, tabs.indexOf(activeTab ?? '')).filter(isKept).length;
  const isActiveKept = activeTab !== null && kept.includes(activeTab);
  setPreferences({ tabs: kept, activeTab: isActiveKept ? activeTab : (kept[Math.min(at, kept.length - 1)] ?? null) });
}

const typingTimers = new Map<string, ReturnType<typeof setTimeout>>();

function typed(key: string, isSecret: boolean): void {
  const isShownSecret = app.get().typingSecrets.has(key);
  if (isSecret !== isShownSecret)
    app.set(({ typingSecrets }) => ({ typingSecrets: isSecret ? new Set(typingSecrets).add(key) : without(typingSecrets, key) }));
  clearTimeout(typingTimers.get(key));
  typingTimers.set(
    key,
    setTimeout(() => {
      typingTimers.delete(key);
      app.set(({ typing, typingSecrets }) => ({ typing: without(typing, key), typingSecrets: without(typingSecrets, key) }));
    }, TYPING_MS),
  );
  if (!app.get().typing.has(key)) app.set(({ typing }) => ({ typing: new Set(typing).add(key) }));
}

const without = (keys: ReadonlySet<string>, key: string): ReadonlySet<string> => new Set([...keys].filter((each) => each !== key));
