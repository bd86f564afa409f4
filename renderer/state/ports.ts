/** The ports of the open sessions, as their hosts tell, and the forwards of this window; what is new is said quietly. */
import { create } from 'zustand';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { ListeningPort } from '#protocol/ports.ts';
import type { ForwardView } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { client } from './engines.ts';
import { hostOfKey, idOfKey, type SessionKey } from './session-key.ts';
import { type AppState, app, findHost, findSession, type HostedSession, toast } from './store.ts';

type PortState = {
  /** Of sessions that are open in a tab; absent until the host told. */
  ports: Readonly<Record<SessionKey, readonly ListeningPort[]>>;
  forwards: readonly ForwardView[];
};

export const usePorts = create<PortState>(() => ({ ports: {}, forwards: [] }));
export const usePortsOf = (session: string | null) =>
  usePorts(({ ports }) => (session === null ? undefined : ports[session as SessionKey]));
export const forwardOf = (forwards: readonly ForwardView[], { host, id }: Pick<HostedSession, 'host' | 'id'>, port: number) =>
  forwards.find((each) => each.host === host && each.session === id && each.port === port);

/** Sessions whose host tells of their ports now, and whether it also looks by time. */
const watched = new Map<SessionKey, boolean>();

/** Watches whatever is open in a tab and runs; the one in front more closely, while its ports are shown. */
export function followPorts(): void {
  app.subscribe((now, before) => {
    if (now.hosts !== before.hosts || now.preferences !== before.preferences) watchWanted(now);
  });
  watchWanted(app.get());
  platform.forwards().then(forwardsChanged, () => {}); // a browser has none
}

export function portsChanged(session: SessionKey, ports: readonly ListeningPort[]): void {
  const before = usePorts.getState().ports[session];
  usePorts.setState((state) => ({ ports: { ...state.ports, [session]: ports } }));
  const name = findSession(app.get(), session)?.name;
  if (!before || name === undefined || app.get().preferences.panel === 'ports') return;
  const isNew = ports.filter(({ port }) => !before.some((known) => known.port === port));
  if (isNew.length > 0) toast(`${name} listens on port ${isNew.map(({ port }) => port).join(', ')}.`, 'quiet', `ports ${session}`);
}

export function forwardsChanged(forwards: readonly ForwardView[]): void {
  usePorts.setState({ forwards });
}

/** Opens a port of another machine on this one; null, and a toast, where that cannot be. */
export async function forwardPort({ host, id }: HostedSession, port: number): Promise<ForwardView | null> {
  try {
    const view = await platform.forward({ host, session: id, port });
    usePorts.setState(({ forwards }) => ({ forwards: [...forwards.filter((each) => each.id !== view.id), view] }));
    return view;
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
    return null;
  }
}

export async function endForward(id: number): Promise<void> {
  await platform.endForward(id);
  usePorts.setState(({ forwards }) => ({ forwards: forwards.filter((each) => each.id !== id) }));
}

/**
 * Whether the ports of a host are ports of this machine too. A guest by link looks from wherever they are, and their page calls
 * the host local as well.
 */
export function isNear({ hosts }: Pick<AppState, 'hosts'>, host: string): boolean {
  return host === LOCAL_HOST && platform.isBesideHost && findHost({ hosts }, host)?.guest == null;
}

/** Where a port is reached from here: straight on this machine, else through its forward; null where there is none yet. */
export function urlOf({ host }: Pick<HostedSession, 'host'>, port: ListeningPort, forward: ForwardView | undefined): string | null {
  const url = port.url ?? `http://localhost:${port.port}/`;
  if (forward) return url.replace(/^(https?:\/\/)[^/]*/, `$1localhost:${forward.localPort}`);
  return isNear(app.get(), host) ? url : null;
}

/** In the person's browser, through a forward where one is needed. */
export async function openPort(session: HostedSession, port: ListeningPort): Promise<void> {
  const forward = forwardOf(usePorts.getState().forwards, session, port.port);
  const isHere = isNear(app.get(), session.host);
  const url = urlOf(session, port, forward ?? (isHere ? undefined : ((await forwardPort(session, port.port)) ?? undefined)));
  if (url) await platform.openExternal(url);
}

function watchWanted({ preferences, hosts }: AppState): void {
  const isShown = preferences.panel === 'ports';
  const wanted = new Map<SessionKey, boolean>();
  for (const tab of preferences.tabs as SessionKey[]) {
    const session = findSession({ hosts }, tab);
    if (session?.state !== 'running' || findHost({ hosts }, session.host)?.link.is !== 'connected') continue;
    wanted.set(tab, isShown && tab === preferences.activeTab);
  }
  for (const tab of [...watched.keys()]) {
    if (wanted.has(tab)) continue;
    watched.delete(tab);
    const host = findHost({ hosts }, hostOfKey(tab));
    if (host?.link.is === 'connected')
      client(host.name)
        .request('ports.unwatch', { session: idOfKey(tab) })
        .catch(() => {}); // it may be gone
    if (findSession({ hosts }, tab)?.state !== 'running') usePorts.setState(({ ports: { [tab]: _gone, ...ports } }) => ({ ports }));
  }
  for (const [tab, isOpen] of wanted) if (watched.get(tab) !== isOpen) void watch(tab, isOpen);
}

async function watch(tab: SessionKey, isOpen: boolean): Promise<void> {
  watched.set(tab, isOpen);
  try {
    const { ports } = await client(hostOfKey(tab)).request('ports.watch', { session: idOfKey(tab), isOpen });
    portsChanged(tab, ports);
  } catch {
    // An older host, or the link broke: then it is watched anew with the next link.
  }
}
