/** Answers the page's calls: who asks is checked first, then what it asks. */
import { app, BrowserWindow, clipboard, type IpcMainInvokeEvent, ipcMain, shell } from 'electron';
import { z } from 'zod';
import { personName } from '#local/person-name.ts';
import { portNumber } from '#protocol/ports.ts';
import type { DesktopApi } from '../../preload/api.ts';
import { type Answer, CALL } from '../../preload/channels.ts';
import { connectPage, connectPageToKeeper } from './broker.ts';
import { decideFolder, sendFolder } from './folders.ts';
import { endForward, forwardViews, openForward } from './forwards.ts';
import { hostBuild, installOn } from './host-builds.ts';
import { endJoining, join, lookAt } from './invites.ts';
import { knownHosts } from './known-hosts.ts';
import { notify } from './notifications.ts';
import { ownKey } from './own-key.ts';
import { hostName, loadPreferences, preferencesSchema, savePreferences } from './preferences.ts';
import { answerQuestion } from './questions.ts';
import { isOwnPage } from './security.ts';
import { showWaiting } from './waiting-badge.ts';

/** What one call may copy to the clipboard, characters: a page cannot fill the memory of the desktop. */
const MAX_CLIPBOARD = 64 * 1024 * 1024;
const NOTHING = z.undefined();
/** Longer than any passphrase, characters. */
const MAX_SECRET = 4096;
const questionAnswer = z.object({ id: z.number().int(), answer: z.union([z.boolean(), z.string().max(MAX_SECRET), z.null()]) });
/** Words of agents and programs: what a notification shows of them is bounded here. */
const notice = z.object({ title: z.string().max(200), body: z.string().max(500), about: z.string().max(1024) });
const windowTitle = z.object({ text: z.string().max(512), waiting: z.number().int().min(0).max(9_999) });
const wantedForward = z.object({ host: hostName, session: z.string().min(1).max(64), port: portNumber });
/** Longest path, characters. */
const path = z.string().max(4096);
const wantedFolder = z.object({ path: path.min(1), host: hostName, session: z.string().min(1).max(64), folder: path });
const folderDecision = z.object({ id: z.number().int(), is: z.enum(['overwrite', 'leave', 'cancel', 'again', 'forget']) });
const wantedInvite = z.object({ code: z.string().max(8_192), name: z.string().max(64), ssh: z.union([z.literal(''), hostName]) });
const EXTERNAL_PROTOCOLS = new Set(['http:', 'https:', 'mailto:']);

/** The functions of DesktopApi that are calls. */
type Call = Exclude<keyof DesktopApi, 'platform' | 'version' | 'onEvent' | 'pathOf'>;

export function answerPage(): void {
  answer('identity', NOTHING, () => ({ name: personName() }));
  answer('hosts', NOTHING, () => knownHosts());
  answer('connect', hostName, (host, { senderFrame }) => {
    if (!senderFrame) throw new Error('the page is gone');
    return connectPage(senderFrame, host);
  });
  answer('connectKeeper', path, (socket, { senderFrame }) => {
    if (!senderFrame) throw new Error('the page is gone');
    return connectPageToKeeper(senderFrame, socket);
  });
  answer('answer', questionAnswer, (given) => answerQuestion(given));
  answer('key', NOTHING, () => ownKey());
  answer('lookAtInvite', wantedInvite, (wanted) => lookAt(wanted));
  answer('join', wantedInvite, (wanted) => join(wanted));
  answer('endJoining', NOTHING, () => endJoining());
  answer('install', hostName, (host) => installOn(host));
  answer('hostBuild', hostName, (host) => hostBuild(host));
  answer('forward', wantedForward, (wanted) => openForward(wanted));
  answer('endForward', z.number().int(), (id) => endForward(id));
  answer('forwards', NOTHING, () => forwardViews());
  answer('sendFolder', wantedFolder, (wanted) => sendFolder(wanted));
  answer('decideFolder', folderDecision, (decision) => decideFolder(decision));
  answer('preferences', NOTHING, () => loadPreferences());
  answer('savePreferences', preferencesSchema, (preferences) => savePreferences(preferences));
  answer('openExternal', z.string().max(8192), async (url) => {
    if (!isExternal(url)) throw new Error(`only http, https and mailto links are opened, not ${url.slice(0, 100)}`);
    await shell.openExternal(url);
  });
  answer('readClipboard', NOTHING, () => clipboard.readText());
  answer('writeClipboard', z.string().max(MAX_CLIPBOARD), (text) => clipboard.writeText(text));
  answer('notify', notice, (given, { sender }) => notify(given, BrowserWindow.fromWebContents(sender)));
  answer('setTitle', windowTitle, ({ text, waiting }, { sender }) => {
    BrowserWindow.fromWebContents(sender)?.setTitle(text || app.getName());
    showWaiting(waiting);
  });
}

export function isExternal(url: string): boolean {
  return URL.canParse(url) && EXTERNAL_PROTOCOLS.has(new URL(url).protocol);
}

function answer<T, C extends Call>(
  name: C,
  schema: z.ZodType<T>,
  handle: (argument: T, event: IpcMainInvokeEvent) => Awaited<ReturnType<DesktopApi[C]>> | ReturnType<DesktopApi[C]>,
): void {
  ipcMain.handle(CALL + name, async (event, argument: unknown): Promise<Answer<unknown>> => {
    if (!isOwnPage(event)) return { error: `${name} was asked by a page that is not cmdop's` };
    const parsed = schema.safeParse(argument);
    if (!parsed.success) return { error: `${name} was given something else: ${parsed.error.issues[0]?.message}` };
    try {
      return { result: await handle(parsed.data, event) };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    }
  });
}
