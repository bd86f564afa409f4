/** What the interface shows, in one place; terminals keep their own, since they change with every byte. */
import { create } from 'zustand';
import type { ClientState } from '#client/cmdop-client.ts';
import type { ClientId, SessionId } from '#protocol/ids.ts';
import type { Actor, CommandRecord, SessionSummary } from '#protocol/shapes.ts';
import type { HostBuild, Preferences } from '../../preload/api.ts';
import { DEFAULT_PREFERENCES } from '../platform/default-preferences.ts';

export type Toast = {
  id: number;
  tone: 'quiet' | 'error';
  text: string /** A later toast about the same thing takes its place. */;
  about: string;
};

export type Dialog =
  | { is: 'new-session' }
  | { is: 'palette' }
  | { is: 'kill'; session: SessionId }
  | { is: 'paste'; text: string; lines: number; paste: () => void };

export type AppState = {
  link: ClientState;
  latencyMs: number | null;
  transport: string | null;
  /** Who the host says we are. */
  me: Actor | null;
  client: ClientId | null;
  /** Null until the host told; newest last. */
  sessions: readonly SessionSummary[] | null;
  warnings: readonly string[];
  /** The app's own build, where the running host is of another one and nobody said to leave it so. */
  otherBuild: HostBuild | null;
  /** `session client` of everyone who typed within the last moments. */
  typing: ReadonlySet<string>;
  preferences: Preferences;
  dialog: Dialog | null;
  toasts: readonly Toast[];
  isSearching: boolean;
  /** Session whose name is being edited, and where. */
  renaming: SessionId | null;
  scheme: 'light' | 'dark';
};

export const useApp = create<AppState>(() => ({
  link: { is: 'connecting' },
  latencyMs: null,
  transport: null,
  me: null,
  client: null,
  sessions: null,
  warnings: [],
  otherBuild: null,
  typing: new Set(),
  preferences: DEFAULT_PREFERENCES,
  dialog: null,
  toasts: [],
  isSearching: false,
  renaming: null,
  scheme: 'dark',
}));

export const app = { get: useApp.getState, set: useApp.setState, subscribe: useApp.subscribe };

/** How long a toast stays, milliseconds; errors stay longer, since they have to be read. */
const TOAST_MS = { quiet: 5_000, error: 12_000 };

let nextToast = 1;

export function toast(text: string, tone: Toast['tone'] = 'quiet', about = text): void {
  const id = nextToast++;
  app.set(({ toasts }) => ({ toasts: [...toasts.filter((each) => each.about !== about).slice(-3), { id, tone, text, about }] }));
  setTimeout(() => dismissToast(id), TOAST_MS[tone]);
}

export function dismissToast(id: number): void {
  app.set(({ toasts }) => ({ toasts: toasts.filter((each) => each.id !== id) }));
}

export function setPreferences(change: Partial<Preferences>): void {
  app.set(({ preferences }) => ({ preferences: { ...preferences, ...change } }));
}

export const typingKey = (session: SessionId, client: ClientId): string => `${session} ${client}`;

export function findSession(sessions: readonly SessionSummary[] | null, id: string | null): SessionSummary | null {
  return sessions?.find((session) => session.id === id) ?? null;
}

export const useActiveSession = (): SessionSummary | null => useApp((state) => findSession(state.sessions, state.preferences.activeTab));

/** Who wants to hear of every command record that begins or ends. */
export const commandListeners = new Set<(command: CommandRecord) => void>();
