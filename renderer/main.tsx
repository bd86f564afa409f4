/** Starts the page: preferences and fonts first, since terminals measure their font, then the client engine, then React. */
import '@xterm/xterm/css/xterm.css';
import './styles/fonts.css';
import './styles/tokens.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/overlays.css';
import './styles/panels.css';
import './styles/sidebar.css';
import './styles/people.css';
import './styles/bars.css';
import './styles/history.css';
import './styles/checkpoints.css';
import './styles/hosts.css';
import './styles/approvals.css';
import './styles/files.css';
import './styles/sharing.css';
import './styles/guests.css';
import './styles/joining.css';
import './styles/running.css';
import './styles/talk.css';
import './styles/terminal.css';
import './styles/memory.css';
import './styles/storage.css';
import { createRoot } from 'react-dom/client';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Preferences } from '../preload/api.ts';
import { App } from './components/app.tsx';
import { platform } from './platform/platform.ts';
import { listenToApp } from './state/hosts.ts';
import { listenToKeys } from './state/keys.ts';
import { startEngines } from './state/open-hosts.ts';
import { followPorts } from './state/ports.ts';
import { hostOfKey, keyFrom } from './state/session-key.ts';
import { type AppState, app, findSession } from './state/store.ts';
import { terminals } from './state/terminals.ts';
import { waitingCount } from './state/waiting-count.ts';

/** Changes of preferences are written once they rest, milliseconds. */
const SAVE_AFTER_MS = 200;

await start();

async function start(): Promise<void> {
  const [preferences, { name }] = await Promise.all([platform.preferences(), platform.identity(), loadFonts()]);
  app.set({ preferences: withKnownTabs(preferences) });
  followScheme();
  followPreferences();
  startEngines(name);
  listenToKeys();
  listenToApp();
  followPorts();
  const root = document.getElementById('root');
  if (root) createRoot(root).render(<App />);
}

/** Tabs of hosts that are in this window. */
function withKnownTabs(preferences: Preferences): Preferences {
  const hosts = platform.reachesHosts ? preferences.hosts.filter((host) => host !== LOCAL_HOST) : [];
  const tabs = preferences.tabs.map(keyFrom).filter((tab) => [LOCAL_HOST, ...hosts].includes(hostOfKey(tab)));
  const active = preferences.activeTab === null ? null : keyFrom(preferences.activeTab);
  return { ...preferences, hosts, tabs, activeTab: active !== null && tabs.includes(active) ? active : (tabs[0] ?? null) };
}

async function loadFonts(): Promise<void> {
  const faces = ['400', '700', 'italic 400'].map((style) => document.fonts.load(`${style} 13px "JetBrains Mono"`));
  await Promise.allSettled(faces); // without it the next monospace font is measured
}

function followScheme(): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const { preferences, scheme: before } = app.get();
    const scheme = preferences.theme === 'system' ? (system.matches ? 'dark' : 'light') : preferences.theme;
    document.documentElement.dataset.scheme = scheme;
    if (scheme === before) return;
    app.set({ scheme });
    terminals.setAppearance({ scheme, fontSize: preferences.fontSize });
  };
  apply();
  system.addEventListener('change', apply);
  app.subscribe((now, before) => now.preferences.theme !== before.preferences.theme && apply());
}

function followPreferences(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  app.subscribe((now, before) => {
    const title = titleOf(now);
    if (title !== titleOf(before)) platform.setTitle({ text: title, waiting: waitingCount(now) });
    if (now.preferences === before.preferences) return;
    clearTimeout(timer);
    timer = setTimeout(() => void platform.savePreferences(app.get().preferences), SAVE_AFTER_MS);
    if (now.preferences.fontSize !== before.preferences.fontSize) {
      terminals.setAppearance({ scheme: now.scheme, fontSize: now.preferences.fontSize });
    }
  });
}

/** What waits for a person is counted first, so that it shows in a list of windows. */
function titleOf(state: AppState): string {
  const name = findSession(state, state.preferences.activeTab)?.name;
  const waiting = waitingCount(state);
  return `${waiting > 0 ? `(${waiting}) ` : ''}${name ? `${name} – cmdop` : 'cmdop'}`;
}
