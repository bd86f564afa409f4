/** What a person can do in the window, whatever it was done with: mouse, key, menu or palette. */
import type { Terminal } from '@xterm/xterm';
import { flushSync } from 'react-dom';
import type { Method, ParamsInput, Result } from '#protocol/messages.ts';
import type { CommandRecord } from '#protocol/shapes.ts';
import type { HostBuild, Preferences } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { client } from './engines.ts';
import { installOn } from './host-builds.ts';
import { type SessionKey, sessionKey } from './session-key.ts';
import { app, findHost, findSession, type HostedSession, type OutputPlace, ownHostName, setHost, setPreferences, toast } from './store.ts';
import { terminals } from './terminals.ts';

export const FONT_SIZES = { smallest: 8, usual: 13, largest: 32 };

/** Asks a host; a failure is shown in its own words, and null returned. */
export async function ask<M extends Method>(to: { host: string; method: M; params: ParamsInput<M> }): Promise<Result<M> | null> {
  try {
    return await client(to.host).request(to.method, to.params);
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
    return null;
  }
}

export function openTab(session: SessionKey): void {
  const { tabs, activeTab } = app.get().preferences;
  if (activeTab !== session) terminals.get(activeTab)?.terminal.blur();
  flushSync(() => {
    setPreferences({ tabs: tabs.includes(session) ? tabs : [...tabs, session], activeTab: session });
    app.set({ isSearching: false });
  });
  focusTerminal();
}

let hasSaidThatSessionsGoOn = false;

/** The session goes on; said once, since that is what tells cmdop from a terminal. */
export function closeTab(session: string | null): void {
  const { tabs, activeTab } = app.get().preferences;
  const at = tabs.indexOf(session ?? '');
  if (at === -1) return;
  const kept = tabs.filter((id) => id !== session);
  setPreferences({ tabs: kept, activeTab: activeTab === session ? (kept[Math.min(at, kept.length - 1)] ?? null) : activeTab });
  const closed = findSession(app.get(), session);
  if (closed?.state === 'running' && !hasSaidThatSessionsGoOn) {
    hasSaidThatSessionsGoOn = true;
    toast(`${closed.name} goes on without this tab. Open it again from the sidebar.`);
  }
  focusTerminal();
}

export function stepTab(by: 1 | -1): void {
  const { tabs, activeTab } = app.get().preferences;
  if (tabs.length < 2) return;
  const at = tabs.indexOf(activeTab ?? '');
  const next = tabs[(at + by + tabs.length) % tabs.length];
  if (!next) return;
  openTab(next as SessionKey);
  giveTerminalKeys(); // what is typed right after the key belongs to the new tab
}

/** What was in the way, or null. */
export async function createSession(host: string, params: ParamsInput<'session.create'> = {}): Promise<string | null> {
  const size = terminals.windowSize();
  try {
    const { session } = await client(host).request('session.create', { ...params, ...(size ? { size } : {}) });
    openTab(sessionKey(host, session.id));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** On the host of the tab in front, or our own where we are guests there, unless another is named. */
export async function quickSession(host = ownHostName()): Promise<void> {
  const failure = await createSession(host);
  if (failure) toast(failure, 'error');
}

/** A new shell below the old screen; nothing of what ran is run again. */
export async function restartSession({ host, id, key }: HostedSession): Promise<void> {
  const restarted = await ask({ host, method: 'session.restart', params: { session: id } });
  if (!restarted) return;
  if (restarted.isHome) toast(`Its folder is gone: the new shell is in ${restarted.session.cwd}`);
  openTab(key);
}

/** Brings this cmdop to another machine, and lets it take the place of the host that runs there. */
export async function upgradeHost(host: string): Promise<void> {
  if (!(await installOn(host))) return;
  const build = await platform.hostBuild(host).catch(() => null); // it is installed; its host gives way at its next start
  const running = client(host).host;
  if (build && running && build.build !== running.build) await replaceHost(host, build);
}

/** Puts a build that lies on the host's machine in the place of the running one; says so, or why not. */
export async function replaceHost(host: string, { node, hostBundle }: HostBuild): Promise<void> {
  setHost(host, { otherBuild: null });
  const engine = client(host);
  const before = engine.host?.startedAt;
  const asked = await ask({ host, method: 'host.handoff', params: { build: { node, hostBundle } } });
  if (!asked) return;
  const isConnected = (state: ReturnType<typeof app.get>) => findHost(state, host)?.link.is === 'connected';
  const stop = app.subscribe(async (now, last) => {
    if (!isConnected(now) || isConnected(last)) return;
    stop();
    if (engine.host?.pid === asked.pid) return toast('The host is replaced. Every session went on.');
    const status = await ask({ host, method: 'host.status', params: {} });
    const isOld = engine.host?.startedAt === before;
    toast(status?.failedHandoff?.message ?? (isOld ? 'The host was not replaced.' : 'Another host serves now.'), 'error');
  });
}

export async function renameSession(session: HostedSession, name: string): Promise<void> {
  app.set({ renaming: null });
  if (!name.trim() || name.trim() === session.name) return;
  await ask({ host: session.host, method: 'session.rename', params: { session: session.id, name: name.trim() } });
}

export async function copyText(text: string, said: string): Promise<void> {
  try {
    await platform.writeClipboard(text);
    toast(said);
  } catch (error) {
    toast(`Not copied: ${error instanceof Error ? error.message : String(error)}`, 'error');
  }
}

export async function copySelection(): Promise<void> {
  const selection = terminals.get(app.get().preferences.activeTab)?.terminal.getSelection();
  if (!selection) return;
  try {
    await platform.writeClipboard(selection);
  } catch (error) {
    toast(`Not copied: ${error instanceof Error ? error.message : String(error)}`, 'error');
  }
}

export async function pasteClipboard(): Promise<void> {
  try {
    pasteText(await platform.readClipboard());
  } catch (error) {
    toast(`The clipboard cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'error');
  }
}

/** A program that knows pastes (bracketed paste) gets it at once; elsewhere each line would run, so several lines are asked for. */
export function pasteText(text: string): void {
  const terminal = terminals.get(app.get().preferences.activeTab)?.terminal;
  if (!terminal || text === '') return;
  const isSeveralLines = /[\r\n]./s.test(text);
  // The end of a bracketed paste inside a paste would let the rest run as if typed.
  const clean = text.replaceAll('\x1b[201~', '');
  const paste = () => terminal.paste(clean);
  if (isSeveralLines && !terminal.modes.bracketedPasteMode) {
    app.set({ dialog: { is: 'paste', text: clean, lines: clean.trimEnd().split(/\r\n|\r|\n/).length, paste } });
  } else paste();
}

export function zoom(by: 1 | -1 | 0): void {
  const { fontSize } = app.get().preferences;
  const wanted = by === 0 ? FONT_SIZES.usual : fontSize + by;
  setPreferences({ fontSize: Math.min(FONT_SIZES.largest, Math.max(FONT_SIZES.smallest, wanted)) });
}

export function togglePanel(panel: NonNullable<Preferences['panel']>): void {
  setPreferences({ panel: app.get().preferences.panel === panel ? null : panel });
}

/**
 * Gives the keyboard to the terminal in front, unless something else asked for it: once React has shown it, and never
 * while a key is still on its way, since Enter on a button would then be typed into the terminal as well.
 */
export function focusTerminal(): void {
  const handing = ++lastHanding;
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      giveTerminalKeys();
      if (handing === lastHanding) lastHanding = 0;
    }),
  );
}

/** Counts `focusTerminal`; 0 while none of them is under way. */
let lastHanding = 0;

/** The terminal is about to get the keyboard: every key from here on is meant for it. */
export const isKeyboardPromised = (): boolean => lastHanding > 0;

/** A key that came before the terminal had the keyboard; false where something else asks for keys. */
export function passKey(event: KeyboardEvent): boolean {
  const textarea = giveTerminalKeys()?.textarea;
  if (!textarea) return false;
  textarea.dispatchEvent(new KeyboardEvent(event.type, event));
  return true;
}

export function closeDialog(): void {
  app.set({ dialog: null });
  focusTerminal();
}

/** At once, unless something else asks for keys. */
export function giveTerminalKeys(): Terminal | null {
  const { dialog, questions, renaming, isSearching, replay, preferences } = app.get();
  if (replay?.session === preferences.activeTab || dialog !== null || questions.length > 0 || renaming !== null || isSearching) return null;
  const terminal = terminals.get(preferences.activeTab)?.terminal ?? null;
  terminal?.focus();
  return terminal;
}

export async function takeControl(): Promise<void> {
  const terminal = terminals.get(app.get().preferences.activeTab);
  if (!terminal) return;
  try {
    await terminal.takeControl();
    focusTerminal();
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
  }
}

export async function releaseControl(): Promise<void> {
  try {
    await terminals.get(app.get().preferences.activeTab)?.releaseControl();
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
  }
}

/** Moves the focus to the next part of the window: sidebar, tabs, terminal, panel. */
export function cycleRegions(by: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')];
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  for (let step = 1; step <= regions.length; step++) {
    const region = regions[(at + by * step + regions.length * 2) % regions.length];
    const terminal = terminals.get(app.get().preferences.activeTab)?.terminal;
    if (region?.dataset.region === 'terminal' && terminal) {
      terminal.focus();
      return;
    }
    const target =
      region?.querySelector<HTMLElement>('[data-region-focus]') ?? region?.querySelector<HTMLElement>('button:not([disabled]), input');
    if (target) {
      target.focus();
      return;
    }
  }
}

/** Opens the history at a command, which has the keyboard then. */
export function showInHistory(host: string, id: number): void {
  setPreferences({ panel: 'history' });
  app.set({ wantedCommand: { host, id } });
}

/** Asks who made a place of the session in front; `command`: what this window knows to be there. */
export function askWhoRan(place: { command: CommandRecord | null; at: OutputPlace }): void {
  const session = findSession(app.get(), app.get().preferences.activeTab);
  if (session) app.set({ dialog: { is: 'who-ran', session: session.key, ...place } });
}

/** Of the block that is marked, else of the newest in view. */
export function askWhoRanLast(): void {
  const blocks = terminals.get(app.get().preferences.activeTab)?.blocks;
  const bar = blocks?.bars.find(({ command }) => command.id === blocks.marked) ?? blocks?.bars.at(-1);
  if (bar) askWhoRan({ command: bar.command, at: { offset: bar.command.from } });
  else toast('No command is in view: scroll to one, or use the history.');
}

/** The waiting places of marks to show, until a session's output is here. */
const REVEAL_TRIES = 40;
const REVEAL_EVERY_MS = 75;

/** Opens the session and scrolls to a command's output, once its lines are here. */
export function revealCommand(session: SessionKey, id: number): void {
  if (!findSession(app.get(), session)) {
    toast('This session was removed: its history stays, its screen is gone.');
    return;
  }
  if (app.get().preferences.activeTab !== session) openTab(session);
  const attempt = (left: number): void => {
    if (terminals.get(session)?.blocks.reveal(id)) return;
    if (left > 0) setTimeout(() => attempt(left - 1), REVEAL_EVERY_MS);
    else toast('This output has left the 10 000 lines this window keeps.');
  };
  attempt(terminals.get(session)?.view.state === 'attached' ? 3 : REVEAL_TRIES);
}
