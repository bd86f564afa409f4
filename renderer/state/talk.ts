/** What people in a session say to each other and point at: from the journal, and as it happens. */
import { create } from 'zustand';
import type { SessionId } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import { ask, focusTerminal } from './actions.ts';
import { client } from './engines.ts';
import { type SessionKey, sessionKey } from './session-key.ts';
import { app, findHost, findSession, type HostedSession, setPreferences, toast } from './store.ts';
import { type Conversation, NOTHING_SAID, oldestOf, withEarlier, withNewest, withNews } from './talked.ts';
import { terminals } from './terminals.ts';

/** Read of the journal at a time. */
const PAGE = 50;

/** Of what an older host tells, without its place in the journal. */
let lastUnplaced = 0;

type Talk = {
  readonly said: ReadonlyMap<SessionKey, Conversation>;
  /** Grows when somebody wants to say something here: the field gets the keyboard. */
  readonly wanted: number;
};

export const useTalk = create<Talk>(() => ({ said: new Map(), wanted: 0 }));

/** What the journal has, at first and when the host is back: what was said meanwhile, nobody told us. */
export async function fetchTalk({ host, id, key }: HostedSession): Promise<void> {
  const page = await pageOf(host, id);
  if (page) change(key, (known) => withNewest(known, page));
}

/** A page before the oldest that is shown. */
export async function fetchEarlier({ host, id, key }: HostedSession): Promise<void> {
  const page = await pageOf(host, id, oldestOf(useTalk.getState().said.get(key) ?? NOTHING_SAID));
  if (page) change(key, (known) => withEarlier(known, page));
}

async function pageOf(host: string, session: SessionId, before?: number): Promise<Conversation | null> {
  try {
    return await client(host).request('share.talk', { session, limit: PAGE, ...(before === undefined ? {} : { before }) });
  } catch {
    return null; // an older host cannot tell; a link that broke asks again when it is back
  }
}

function change(key: SessionKey, to: (known: Conversation) => Conversation): void {
  useTalk.setState(({ said: all }) => ({ said: new Map(all).set(key, to(all.get(key) ?? NOTHING_SAID)) }));
}

const placed = (seq: number | undefined) => seq ?? --lastUnplaced;

export function said(host: string, { session, by, at, text, seq }: EventParams<'share.said'>): void {
  const key = sessionKey(host, session);
  change(key, (known) => withNews(known, { seq: placed(seq), at, by, text, pointed: null }));
  const { panel, activeTab } = app.get().preferences;
  const isSeen = panel === 'actors' && activeTab === key;
  if (isSeen || by.id === findHost(app.get(), host)?.me?.id) return;
  const where = activeTab === key ? '' : ` in ${findSession(app.get(), key)?.name ?? 'a session'}`;
  toast(`${by.name}${where}: ${text}`, 'quiet', `said ${key} ${by.id}`);
}

export function pointedAt(host: string, { session, by, pointing, seq }: EventParams<'share.pointed'>): void {
  const key = sessionKey(host, session);
  if (pointing) {
    const { text, offset, from, to } = pointing;
    change(key, (known) => withNews(known, { seq: placed(seq), at: Date.now(), by, text, pointed: { offset, from, to } }));
  }
  terminals.get(key)?.pointed.set(by, pointing);
  if (!pointing || app.get().preferences.activeTab === key || by.id === findHost(app.get(), host)?.me?.id) return;
  toast(`${by.name} points at lines of ${findSession(app.get(), key)?.name ?? 'a session'}.`, 'quiet', `pointed ${key} ${by.id}`);
}

/** True once everybody was told. */
export async function say(session: SessionKey, text: string): Promise<boolean> {
  const there = findSession(app.get(), session);
  if (!there || text.trim() === '') return false;
  return (await ask({ host: there.host, method: 'share.say', params: { session: there.id, text } })) !== null;
}

/** Opens the actors with the keyboard in the field for messages. */
export function wantToSay(): void {
  setPreferences({ panel: 'actors' });
  useTalk.setState(({ wanted }) => ({ wanted: wanted + 1 }));
}

/** Marks what is selected in the terminal in front, for everybody. */
export async function pointAtSelection(): Promise<void> {
  const terminal = terminals.get(app.get().preferences.activeTab);
  const session = findSession(app.get(), app.get().preferences.activeTab);
  const place = terminal?.pointed.selected;
  if (!terminal || !session) return;
  if (!place) return toast('Select the lines first: everybody sees what you point at.');
  const told = await ask({ host: session.host, method: 'share.point', params: { session: session.id, at: place } });
  if (told) terminal.terminal.clearSelection();
  focusTerminal();
}

export async function pointAtNothing(): Promise<void> {
  const session = findSession(app.get(), app.get().preferences.activeTab);
  if (session) await ask({ host: session.host, method: 'share.point', params: { session: session.id, at: null } });
}
