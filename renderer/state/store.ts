/** What the interface shows, in one place; terminals keep their own, since they change with every byte. */
import { create } from 'zustand';
import type { ClientState } from '#client/client-options.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Approval } from '#protocol/approvals.ts';
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { ClientId, Offset } from '#protocol/ids.ts';
import type { SignalName } from '#protocol/processes.ts';
import type { Actor, CommandRecord, ProcessRow, SessionSummary } from '#protocol/shapes.ts';
import type { Grant, Invite } from '#protocol/sharing.ts';
import { DEFAULT_PREFERENCES, type HostBuild, type KnownHost, type Preferences, type Question } from '../../preload/api.ts';
import { hostOfKey, type SessionKey } from './session-key.ts';

export type Toast = {
  id: number;
  tone: 'quiet' | 'error';
  text: string /** A later toast about the same thing takes its place. */;
  about: string;
};

export type Dialog =
  | { is: 'new-session'; host: string }
  | { is: 'palette' }
  | { is: 'search' }
  | { is: 'add-host' }
  | { is: 'join'; code: string }
  | { is: 'app-key' }
  | { is: 'install'; host: string }
  | { is: 'open-link'; host: string; session: string }
  | { is: 'policy'; host: string; rule?: string }
  | { is: 'storage'; host: string }
  | { is: 'who-ran'; session: SessionKey; command: CommandRecord | null; at: OutputPlace }
  | { is: 'ask-control'; session: SessionKey }
  | { is: 'fixed-size'; session: SessionKey }
  | { is: 'file'; session: SessionKey; path: string; name: string; size: number }
  | { is: 'kick'; session: SessionKey; actor: Actor }
  | { is: 'kill'; session: SessionKey }
  | { is: 'checkpoints'; session: SessionKey }
  | { is: 'difference'; session: SessionKey; checkpoint: Checkpoint }
  | { is: 'restore'; session: SessionKey; checkpoint: Checkpoint }
  | { is: 'share'; session: SessionKey }
  | { is: 'signal'; session: SessionKey; process: ProcessRow; signal: SignalName }
  | { is: 'paste'; text: string; lines: number; paste: () => void };

/** A place in a session's output: an offset, or a line counted from the top of the screen. */
export type OutputPlace = { offset: Offset } | { line: number };

/** Somebody asks for control of a session, until it is given, refused or no longer wanted. */
export type ControlRequest = { readonly session: SessionKey; readonly by: Actor; readonly client: ClientId; readonly reason: string };

/** A session with the host it is on, as this window calls that host: so is its address. */
export type HostedSession = SessionSummary & { readonly host: string; readonly key: SessionKey };

/** One host as this window sees it. */
export type HostView = {
  /** `local`, or what it was added as. */
  readonly name: string;
  readonly link: ClientState;
  readonly latencyMs: number | null;
  readonly transport: string | null;
  /** Who the host says we are. */
  readonly me: Actor | null;
  readonly client: ClientId;
  /** What we may do there as a guest; null for owners. */
  readonly guest: Grant | null;
  /** Why we are guests no more. */
  readonly guestEnd: string | null;
  /** Of every session, also those that are over. */
  readonly invites: readonly Invite[];
  /** Null until the host told; newest last. */
  readonly sessions: readonly HostedSession[] | null;
  readonly warnings: readonly string[];
  /** No agent may act in any of its sessions. */
  readonly agentsPaused: boolean;
  /** What waits for a person, and what was decided lately; oldest first. */
  readonly approvals: readonly Approval[];
  /** Since midnight. */
  readonly askedToday: number;
  /** A rule that would have covered the last few of them. */
  readonly ruleOffer: { readonly rule: string; readonly covers: number } | null;
  /** The build to put in the place of the running host, which is of another one; null once somebody said to leave it so. */
  readonly otherBuild: HostBuild | 'install' | null;
  /** Why cmdop could not be put onto it, until that is tried again. */
  readonly installFailure: string | null;
  /** While it is: what is done now, and how much of it is done, 0 … 1. */
  readonly install: { readonly step: string; readonly share: number | null } | null;
};

export type AppState = {
  /** This machine first, then in the order they were added. */
  hosts: readonly HostView[];
  /** What could be added. */
  knownHosts: readonly KnownHost[];
  /** `session client` of everyone who typed within the last moments. */
  typing: ReadonlySet<string>;
  /** The same of who types into a password prompt. */
  typingSecrets: ReadonlySet<string>;
  /** Oldest first. */
  requests: readonly ControlRequest[];
  /** The command that the history panel is to show. */
  wantedCommand: { readonly host: string; readonly id: number } | null;
  /** Sessions whose card of approvals was put away for now. */
  cardsAside: ReadonlySet<SessionKey>;
  preferences: Preferences;
  dialog: Dialog | null;
  /** What hosts wait for, oldest first; only the first is shown. */
  questions: readonly Question[];
  toasts: readonly Toast[];
  isSearching: boolean;
  /** The past of a session that is shown over its tab: from an offset, or its end; each opening is another. */
  replay: { readonly session: SessionKey; readonly at: number | null; readonly opened: number } | null;
  /** Session whose name is being edited, and where. */
  renaming: SessionKey | null;
  scheme: 'light' | 'dark';
};

export const useApp = create<AppState>(() => ({
  hosts: [],
  knownHosts: [],
  typing: new Set(),
  typingSecrets: new Set(),
  requests: [],
  wantedCommand: null,
  cardsAside: new Set(),
  preferences: DEFAULT_PREFERENCES,
  dialog: null,
  questions: [],
  toasts: [],
  isSearching: false,
  replay: null,
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

export function setHost(name: string, change: Partial<Omit<HostView, 'name'>>): void {
  app.set(({ hosts }) => ({ hosts: hosts.map((host) => (host.name === name ? { ...host, ...change } : host)) }));
}

export const findHost = ({ hosts }: Pick<AppState, 'hosts'>, name: string): HostView | null =>
  hosts.find((host) => host.name === name) ?? null;

export function findSession({ hosts }: Pick<AppState, 'hosts'>, key: string | null): HostedSession | null {
  for (const { sessions } of hosts) for (const session of sessions ?? []) if (session.key === key) return session;
  return null;
}

/** The host of the tab in front; this machine's where there is no tab. */
export function activeHost(state: AppState): HostView | null {
  const active = state.preferences.activeTab;
  return state.hosts.find(({ name }) => active !== null && hostOfKey(active) === name) ?? state.hosts[0] ?? null;
}

export const activeHostName = (): string => activeHost(app.get())?.name ?? LOCAL_HOST;

/** Where new sessions are made: on the host of the tab in front, unless we are guests there. */
export function ownHostName(): string {
  const { hosts } = app.get();
  const active = activeHost(app.get());
  return (active?.guest ? hosts.find(({ guest }) => guest === null) : active)?.name ?? activeHostName();
}

export const useActiveHost = (): HostView | null => useApp(activeHost);
export const useActiveSession = (): HostedSession | null => useApp((state) => findSession(state, state.preferences.activeTab));

export const typingKey = (session: SessionKey, client: ClientId): string => `${session} ${client}`;

/** Who wants to hear of every command record of a host that begins or ends. */
export const commandListeners = new Set<(host: string, command: CommandRecord) => void>();
