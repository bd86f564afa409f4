/** Ties client engines to the store: one for each host in this window; their state and events become what the interface shows. */
import { CmdopClient } from '#client/cmdop-client.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { CmdopError } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import { pageClock } from '../platform/clock.ts';
import { platform } from '../platform/platform.ts';
import { countApprovalsSoon, fetchApprovals } from './approvals.ts';
import { engines } from './engines.ts';
import { fetchInvites } from './guests.ts';
import { compareBuilds } from './host-builds.ts';
import { forgetHost, received, watched } from './host-events.ts';
import { searchInbox } from './search-inboxes.ts';
import { app, findHost, setHost, setPreferences } from './store.ts';

/** How often the latency is measured while the page is visible, milliseconds. */
const LATENCY_EVERY_MS = 5_000;
/** When the first look is worth something: the page has been made by then, milliseconds. */
const FIRST_LATENCY_MS = 1_000;

/** What the person in front of this window is called. */
let personName = '';

/** Opens this machine's host, and those of the preferences. */
export function startEngines(name: string): void {
  personName = name;
  openHost(LOCAL_HOST);
  for (const host of app.get().preferences.hosts) openHost(host);
  setInterval(measureLatencies, LATENCY_EVERY_MS);
  document.addEventListener('visibilitychange', measureLatencies);
  window.addEventListener('online', reconnectAll);
}

/** The network is back or another, or the machine woke up. */
export function reconnectAll(): void {
  for (const [host, engine] of engines) {
    if (app.get().questions.some((question) => question.host === host)) continue; // whoever answers is not asked anew
    engine.networkChanged();
  }
}

/** Adds the host to this window, and to what it opens at its next start. */
export function addHost(name: string): void {
  const { hosts } = app.get().preferences;
  if (name !== LOCAL_HOST && !hosts.includes(name)) setPreferences({ hosts: [...hosts, name] });
  openHost(name);
}

/** Takes the host out of this window; its sessions go on. */
export function removeHost(name: string): void {
  if (name === LOCAL_HOST) return;
  forgetHost(name);
  engines.get(name)?.close();
  engines.delete(name);
  app.set(({ hosts }) => ({ hosts: hosts.filter((host) => host.name !== name) }));
  setPreferences({ hosts: app.get().preferences.hosts.filter((host) => host !== name) });
}

function openHost(name: string): void {
  if (engines.has(name)) return;
  const id = newClientId((count) => crypto.getRandomValues(new Uint8Array(count)));
  app.set(({ hosts }) => ({
    hosts: [
      ...hosts,
      {
        name,
        link: { is: 'connecting' },
        latencyMs: null,
        transport: null,
        me: null,
        guest: null,
        guestEnd: null,
        invites: [],
        client: id,
        sessions: null,
        warnings: [],
        agentsPaused: false,
        approvals: [],
        askedToday: 0,
        ruleOffer: null,
        otherBuild: null,
        install: null,
        installFailure: null,
      },
    ],
  }));
  const created = new CmdopClient({
    identity: { id, interface: platform.interface, name: personName, build: 'renderer' },
    connect: () => platform.connect(name),
    openKeeper: (name === LOCAL_HOST && platform.openKeeper) || undefined,
    clock: pageClock,
    random: Math.random,
    watch: true,
    isHeldBy: (error) => isHeldBy(error) || findHost(app.get(), name)?.guestEnd != null,
    onState: (link) => {
      setHost(name, { link });
      // Called from within the constructor, before `created` exists.
      queueMicrotask(() => showLink(name));
      if (link.is === 'offline' && link.isHeld) offerInstall(name, link.error);
      if (link.is !== 'connected') return searchInbox(name).disconnected();
      void compareBuilds(name);
      setTimeout(() => void measureLatency(name), FIRST_LATENCY_MS);
      queueMicrotask(() => void fetchInvites(name, created));
      queueMicrotask(() => void fetchApprovals(name, created));
    },
    onEvent: (event) => {
      received(name, event);
      searchInbox(name).event(event);
      if (event.event === 'approval.changed') countApprovalsSoon(name, created);
    },
    onWatch: (state) => watched(name, state),
  });
  engines.set(name, created);
}

const isHeldBy = ({ code, data }: CmdopError): boolean =>
  data?.needs === 'person' || data?.needs === 'install' || code === 'protocol-mismatch';

/** A machine without cmdop: asked once for each time somebody tried to reach it. */
function offerInstall(host: string, { data }: CmdopError): void {
  const { dialog } = app.get();
  if (data?.needs === 'install' && (dialog === null || dialog.is === 'add-host')) app.set({ dialog: { is: 'install', host } });
}

function measureLatencies(): void {
  for (const host of engines.keys()) void measureLatency(host);
}

/** A ping of our own, since the first answer comes while the page is still busy being made. */
async function measureLatency(host: string): Promise<void> {
  const engine = engines.get(host);
  if (document.visibilityState !== 'visible' || engine?.state.is !== 'connected') return;
  try {
    await engine.request('ping', {});
  } catch {
    return; // the link broke: its state says so
  }
  showLink(host);
}

function showLink(host: string): void {
  const engine = engines.get(host);
  const shown = findHost(app.get(), host);
  if (!engine || !shown) return;
  const { latencyMs, transportKind: transport, actor: me } = engine;
  if (shown.latencyMs !== latencyMs || shown.transport !== transport || shown.me !== me) setHost(host, { latencyMs, transport, me });
}
