/** The terminals open in this page, by session: made when a tab opens, disposed when it closes. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import { platform } from '../platform/platform.ts';
import { SessionTerminal } from '../terminal/session-terminal.ts';
import { bytesText } from '../text/format.ts';
import { controlRequested } from './control-requests.ts';
import { hostOfKey, idOfKey, type SessionKey } from './session-key.ts';
import { app, toast } from './store.ts';

const open = new Map<SessionKey, SessionTerminal>();
/** Output skipped lately, bytes; told as one sum, since a flood has many gaps. */
const skipped = new Map<SessionKey, { bytes: number; at: number }>();
const SAME_FLOOD_MS = 6_000;

function sayGap(session: SessionKey, bytes: number): void {
  const before = skipped.get(session);
  const now = performance.now();
  const sum = before && now - before.at < SAME_FLOOD_MS ? before.bytes + bytes : bytes;
  skipped.set(session, { bytes: sum, at: now });
  toast(`This window fell behind and skipped ${bytesText(sum)} of output. The screen is current.`, 'quiet', `gap ${session}`);
}

/** Sessions to be joined as observer when their tab opens. */
const observed = new Set<SessionKey>();

const listeners = new Set<() => void>();
const changed = (): void => {
  for (const listener of listeners) listener();
};

export const terminals = {
  /** Told when a terminal was made or disposed. */
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  get: (session: string | null): SessionTerminal | null => open.get(session as SessionKey) ?? null,

  open(client: CmdopClient, session: SessionKey): SessionTerminal {
    const known = open.get(session);
    if (known) return known;
    const { scheme, preferences } = app.get();
    const created = new SessionTerminal({
      client,
      session: idOfKey(session),
      role: observed.delete(session) ? 'observer' : 'operator',
      appearance: { scheme, fontSize: preferences.fontSize },
      openLink: (url) => void platform.openExternal(url),
      onGap: (bytes) => sayGap(session, bytes),
      onRequest: (request) => controlRequested({ session, ...request }),
      echoPrediction: () => app.get().preferences.echoPrediction,
    });
    open.set(session, created);
    changed();
    return created;
  },

  close(session: SessionKey): void {
    open.get(session)?.dispose();
    open.delete(session);
    changed();
  },

  /** Size of this window's terminal area in cells, as a new session's first size. */
  windowSize: () => [...open.values()].find(({ view }) => view.windowSize)?.view.windowSize ?? null,

  observeNext: (session: SessionKey): void => void observed.add(session),

  fetchCommands: (host: string): void => {
    for (const [key, terminal] of open) if (hostOfKey(key) === host) void terminal.fetchCommands();
  },

  setAppearance: (appearance: { scheme: 'light' | 'dark'; fontSize: number }): void => {
    for (const terminal of open.values()) terminal.setAppearance(appearance);
  },
};
