/** What people in a session say to each other and point at, in this window. */
import { create } from 'zustand';
import type { EventParams } from '#protocol/messages.ts';
import type { Actor } from '#protocol/shapes.ts';
import { ask, focusTerminal } from './actions.ts';
import { type SessionKey, sessionKey } from './session-key.ts';
import { app, findHost, findSession, setPreferences, toast } from './store.ts';
import { terminals } from './terminals.ts';

/** Messages of a session that are kept, the newest. */
const MAX_KEPT = 100;

export type Said = { readonly id: number; readonly by: Actor; readonly at: number; readonly text: string };

let nextId = 1;

type Talk = {
  readonly said: ReadonlyMap<SessionKey, readonly Said[]>;
  /** Grows when somebody wants to say something here: the field gets the keyboard. */
  readonly wanted: number;
};

export const useTalk = create<Talk>(() => ({ said: new Map(), wanted: 0 }));

export function said(host: string, { session, by, at, text }: EventParams<'share.said'>): void {
  const key = sessionKey(host, session);
  useTalk.setState(({ said: all }) => ({
    said: new Map(all).set(key, [...(all.get(key) ?? []), { id: nextId++, by, at, text }].slice(-MAX_KEPT)),
  }));
  const { panel, activeTab } = app.get().preferences;
  const isSeen = panel === 'actors' && activeTab === key;
  if (isSeen || by.id === findHost(app.get(), host)?.me?.id) return;
  const where = activeTab === key ? '' : ` in ${findSession(app.get(), key)?.name ?? 'a session'}`;
  toast(`${by.name}${where}: ${text}`, 'quiet', `said ${key} ${by.id}`);
}

export function pointedAt(host: string, { session, by, pointing }: EventParams<'share.pointed'>): void {
  const key = sessionKey(host, session);
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
