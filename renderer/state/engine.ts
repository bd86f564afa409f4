/** Ties the client engine to the store: one client per page, its state and events become what the interface shows. */
import { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import type { Clock } from '#protocol/clock.ts';
import { newClientId, type SessionId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { platform } from '../platform/platform.ts';
import { app, commandListeners, setPreferences, typingKey } from './store.ts';
import { terminals } from './terminals.ts';

/** How long someone counts as typing after a keystroke was reported, milliseconds. */
const TYPING_MS = 1_500;
/** How often the latency is measured while the page is visible, milliseconds. */
const LATENCY_EVERY_MS = 5_000;
/** When the first look is worth something: the page has been made by then, milliseconds. */
const FIRST_LATENCY_MS = 1_000;

const clock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

let started: CmdopClient | null = null;

export function client(): CmdopClient {
  if (!started) throw new Error('the client engine is used before it was started');
  return started;
}

export function startEngine(name: string): void {
  const created = new CmdopClient({
    identity: {
      id: newClientId((count) => crypto.getRandomValues(new Uint8Array(count))),
      interface: platform.interface,
      name,
      build: 'renderer',
    },
    connect: () => platform.connect(),
    clock,
    random: Math.random,
    watch: true,
    onState: (link) => {
      app.set({ link });
      // Called from within the constructor, before `created` exists.
      queueMicrotask(() => showLink(created));
      if (link.is === 'connected') void compareBuilds(created);
      if (link.is === 'connected') setTimeout(() => void measureLatency(created), FIRST_LATENCY_MS);
    },
    onEvent: received,
    onWatch: watched,
  });
  started = created;
  app.set({ client: created.clientId });
  setInterval(() => void measureLatency(created), LATENCY_EVERY_MS);
  document.addEventListener('visibilitychange', () => void measureLatency(created));
  window.addEventListener('online', () => created.reconnectNow());
}

/** A ping of our own, since the first answer comes while the page is still busy being made. */
async function measureLatency(of: CmdopClient): Promise<void> {
  if (document.visibilityState !== 'visible' || of.state.is !== 'connected') return;
  try {
    await of.request('ping', {});
  } catch {
    return; // the link broke: its state says so
  }
  showLink(of);
}

/** A host too old to say its build is told by its version. */
async function compareBuilds(of: CmdopClient): Promise<void> {
  const { host } = of;
  try {
    const own = await platform.hostBuild();
    const isOther = own !== null && host !== null && (own.version !== host.version || (host.build ?? own.build) !== own.build);
    app.set({ otherBuild: isOther ? own : null });
  } catch {
    app.set({ otherBuild: null }); // no host program here: then there is nothing to offer
  }
}

function showLink(of: CmdopClient): void {
  const { latencyMs, transportKind, actor } = of;
  const now = app.get();
  if (now.latencyMs !== latencyMs || now.transport !== transportKind || now.me !== actor) {
    app.set({ latencyMs, transport: transportKind, me: actor });
  }
}

function watched({ sessions, warnings }: Result<'host.watch'>): void {
  const { tabs, activeTab } = app.get().preferences;
  const isFirst = app.get().sessions === null;
  app.set({ sessions: sessions.toSorted((a, b) => a.createdAt - b.createdAt), warnings });
  for (const { id, state } of sessions) if (state === 'running') terminals.get(id)?.goOn();
  const kept = tabs.filter((id) => sessions.some((session) => session.id === id));
  if (kept.length !== tabs.length) {
    setPreferences({ tabs: kept, activeTab: activeTab && kept.includes(activeTab) ? activeTab : (kept[0] ?? null) });
  }
  if (!isFirst) terminals.fetchCommands();
}

function received(event: ConnectionEvent): void {
  switch (event.event) {
    case 'session.changed':
      sessionChanged(event.params.session);
      return;
    case 'session.removed':
      sessionRemoved(event.params.session);
      return;
    case 'actor.typing':
      typed(typingKey(event.params.session, event.params.client));
      return;
    case 'command.changed':
      terminals.get(event.params.command.session)?.commandChanged(event.params.command);
      for (const listener of commandListeners) listener(event.params.command);
      return;
    case 'host.warnings':
      app.set({ warnings: event.params.warnings });
      return;
  }
}

function sessionChanged(session: SessionSummary): void {
  if (session.state === 'running') terminals.get(session.id)?.goOn();
  app.set(({ sessions }) => {
    const known = sessions ?? [];
    const isNew = !known.some(({ id }) => id === session.id);
    return { sessions: isNew ? [...known, session] : known.map((each) => (each.id === session.id ? session : each)) };
  });
}

function sessionRemoved(session: SessionId): void {
  const { tabs, activeTab } = app.get().preferences;
  app.set(({ sessions }) => ({ sessions: sessions?.filter(({ id }) => id !== session) ?? null }));
  const at = tabs.indexOf(session);
  if (at === -1) return;
  const kept = tabs.filter((id) => id !== session);
  setPreferences({ tabs: kept, activeTab: activeTab === session ? (kept[Math.min(at, kept.length - 1)] ?? null) : activeTab });
}

const typingTimers = new Map<string, ReturnType<typeof setTimeout>>();

function typed(key: string): void {
  clearTimeout(typingTimers.get(key));
  typingTimers.set(
    key,
    setTimeout(() => {
      typingTimers.delete(key);
      app.set(({ typing }) => ({ typing: new Set([...typing].filter((each) => each !== key)) }));
    }, TYPING_MS),
  );
  if (!app.get().typing.has(key)) app.set(({ typing }) => ({ typing: new Set(typing).add(key) }));
}
