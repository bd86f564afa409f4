/** Every command of the window, once: its name, its key, what it does. Palette, keyboard and menu read this table. */
import { LOCAL_HOST } from '#protocol/address.ts';
import type { MenuCommand } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import * as actions from './actions.ts';
import { pauseAgents } from './agents.ts';
import { askCheckpoints, makeCheckpoint, saveReport } from './checkpoints.ts';
import { dropRequest, openRequest } from './control-requests.ts';
import { goToApproval } from './deciding.ts';
import { client } from './engines.ts';
import { allowObservers, chooseFiles } from './file-actions.ts';
import { mayUse } from './guests.ts';
import { openJoin } from './joining.ts';
import { removeHost } from './open-hosts.ts';
import { openReplay } from './replaying.ts';
import { grantRequest } from './sharing.ts';
import { activeHost, activeHostName, app, findSession, type HostedSession, ownHostName, setPreferences } from './store.ts';
import { pointAtNothing, pointAtSelection, wantToSay } from './talk.ts';
import { terminals } from './terminals.ts';

export type Command = {
  id: string;
  title: string;
  /** In the form of `keyOf`; the first is shown. */
  keys: readonly string[];
  isAvailable?: () => boolean;
  run: () => void;
};

const activeId = () => app.get().preferences.activeTab;
const active = () => findSession(app.get(), activeId());
const hasTab = () => active() !== null;
/** Where a session is in front. */
const inFront = (act: (session: HostedSession) => void) => () => {
  const session = active();
  if (session) act(session);
};
const isRunning = () => active()?.state === 'running';

export const COMMANDS: readonly Command[] = [
  { id: 'new-session', title: 'New session', keys: ['Ctrl+Shift+T'], run: () => void actions.quickSession() },
  {
    id: 'new-session-with',
    title: 'New session with name, folder or command…',
    keys: [],
    run: () => app.set({ dialog: { is: 'new-session', host: ownHostName() } }),
  },
  {
    id: 'close-tab',
    title: 'Close tab (the session goes on)',
    keys: ['Ctrl+Shift+W'],
    isAvailable: hasTab,
    run: () => actions.closeTab(activeId()),
  },
  { id: 'next-tab', title: 'Next tab', keys: ['Ctrl+Tab', 'Ctrl+PageDown'], run: () => actions.stepTab(1) },
  { id: 'previous-tab', title: 'Previous tab', keys: ['Ctrl+Shift+Tab', 'Ctrl+PageUp'], run: () => actions.stepTab(-1) },
  { id: 'palette', title: 'Command palette', keys: ['Ctrl+Shift+P'], run: () => app.set({ dialog: { is: 'palette' } }) },
  {
    id: 'search',
    title: 'Search everything: commands and output of all sessions',
    keys: ['Ctrl+Shift+S'],
    run: () => app.set({ dialog: { is: 'search' } }),
  },
  {
    id: 'replay',
    title: 'Replay this session',
    keys: ['Ctrl+Shift+R'],
    isAvailable: hasTab,
    run: inFront((session) => openReplay(session.key)),
  },
  {
    id: 'checkpoint',
    title: 'Make a checkpoint of the files of this session',
    keys: [],
    isAvailable: hasTab,
    run: inFront((session) => void makeCheckpoint(session)),
  },
  { id: 'checkpoints', title: 'Checkpoints of this session: differences, restore…', keys: [], isAvailable: hasTab, run: askCheckpoints },
  {
    id: 'report',
    title: 'Report of this session (saves a page)',
    keys: [],
    isAvailable: hasTab,
    run: inFront((session) => void saveReport(session)),
  },
  { id: 'take-control', title: 'Take control', keys: ['Ctrl+Shift+Enter'], isAvailable: isRunning, run: () => void actions.takeControl() },
  { id: 'release-control', title: 'Release control', keys: [], isAvailable: isRunning, run: () => void actions.releaseControl() },
  {
    id: 'ask-control',
    title: 'Ask for control…',
    keys: [],
    isAvailable: () => isRunning() && terminals.get(activeId())?.view.hasControl === false,
    run: inFront((session) => app.set({ dialog: { is: 'ask-control', session: session.key } })),
  },
  {
    id: 'grant-control',
    title: 'Give control to who asks for it',
    keys: ['Ctrl+Shift+G'],
    isAvailable: () => openRequest() !== null,
    run: () => {
      const request = openRequest();
      if (request) void grantRequest(request);
    },
  },
  {
    id: 'refuse-control',
    title: 'Not now: keep control',
    keys: [],
    isAvailable: () => openRequest() !== null,
    run: () => {
      const request = openRequest();
      if (request) dropRequest(request);
    },
  },
  { id: 'say', title: 'Say something to everybody in this session', keys: ['Ctrl+Shift+M'], isAvailable: hasTab, run: wantToSay },
  { id: 'point', title: 'Point at the selected lines', keys: ['Ctrl+Shift+D'], isAvailable: hasTab, run: () => void pointAtSelection() },
  { id: 'point-nothing', title: 'Point at nothing any more', keys: [], isAvailable: hasTab, run: () => void pointAtNothing() },
  {
    id: 'pause-agents',
    title: 'Pause all agents, everywhere',
    keys: ['Ctrl+Shift+X'],
    run: () => void pauseAgents(),
  },
  {
    id: 'resume-agents',
    title: 'Resume agents',
    keys: [],
    isAvailable: () => app.get().hosts.some(({ agentsPaused }) => agentsPaused),
    run: () => void pauseAgents(false),
  },
  {
    id: 'go-to-approval',
    title: 'Go to what waits for approval',
    keys: ['Ctrl+Shift+Y'],
    run: goToApproval,
  },
  {
    id: 'policy',
    title: 'Policy: what agents may do…',
    keys: [],
    run: () => app.set({ dialog: { is: 'policy', host: ownHostName() } }),
  },
  {
    id: 'storage',
    title: 'Storage: what sessions take, limits and pins…',
    keys: [],
    run: () => app.set({ dialog: { is: 'storage', host: ownHostName() } }),
  },
  {
    id: 'share',
    title: 'Share this session…',
    keys: [],
    isAvailable: hasTab,
    run: inFront((session) => app.set({ dialog: { is: 'share', session: session.key } })),
  },
  { id: 'who-ran', title: 'Who ran this? (the marked command, else the last)', keys: [], isAvailable: hasTab, run: actions.askWhoRanLast },
  {
    id: 'observe',
    title: 'Observe this session (give up typing)',
    keys: [],
    isAvailable: () => isRunning() && terminals.get(activeId())?.view.role !== 'observer',
    run: () => terminals.get(activeId())?.setRole('observer'),
  },
  {
    id: 'operate',
    title: 'Join this session as operator',
    keys: [],
    isAvailable: () => isRunning() && terminals.get(activeId())?.view.role === 'observer',
    run: () => terminals.get(activeId())?.setRole('operator'),
  },
  { id: 'find', title: 'Search in terminal', keys: ['Ctrl+Shift+F'], isAvailable: hasTab, run: () => app.set({ isSearching: true }) },
  { id: 'copy', title: 'Copy selection', keys: ['Ctrl+Shift+C'], isAvailable: hasTab, run: () => void actions.copySelection() },
  { id: 'paste', title: 'Paste', keys: ['Ctrl+Shift+V'], isAvailable: isRunning, run: () => void actions.pasteClipboard() },
  {
    id: 'copy-address',
    title: 'Copy address of this session',
    keys: [],
    isAvailable: hasTab,
    run: () => void actions.copyText(active()?.address ?? '', 'Address copied.'),
  },
  {
    id: 'rename',
    title: 'Rename session…',
    keys: [],
    isAvailable: hasTab,
    run: () => {
      setPreferences({ sidebar: true });
      app.set({ renaming: active()?.key ?? null });
    },
  },
  {
    id: 'restart',
    title: 'New shell in this ended session',
    keys: [],
    isAvailable: () => active()?.state === 'ended',
    run: inFront((session) => void actions.restartSession(session)),
  },
  {
    id: 'kill',
    title: 'Kill session…',
    keys: [],
    isAvailable: isRunning,
    run: inFront((session) => app.set({ dialog: { is: 'kill', session: session.key } })),
  },
  {
    id: 'toggle-sidebar',
    title: 'Show or hide the sidebar',
    keys: ['Ctrl+Shift+B'],
    run: () => setPreferences({ sidebar: !app.get().preferences.sidebar }),
  },
  { id: 'toggle-actors', title: 'Show or hide actors', keys: ['Ctrl+Shift+A'], run: () => actions.togglePanel('actors') },
  { id: 'toggle-approvals', title: 'Show or hide approvals', keys: ['Ctrl+Shift+L'], run: () => actions.togglePanel('approvals') },
  { id: 'upload-files', title: 'Upload files to the session’s machine…', keys: [], isAvailable: hasTab, run: chooseFiles },
  {
    id: 'observer-files',
    title: 'Let observers read the session’s folder, or no longer',
    keys: [],
    isAvailable: () => terminals.get(activeId())?.view.role === 'owner',
    run: inFront((session) => allowObservers(session, (session.observerFiles ?? null) === null)),
  },
  { id: 'toggle-files', title: 'Show or hide files', keys: ['Ctrl+Shift+E'], run: () => actions.togglePanel('files') },
  { id: 'toggle-ports', title: 'Show or hide ports', keys: ['Ctrl+Shift+O'], run: () => actions.togglePanel('ports') },
  { id: 'toggle-processes', title: 'Show or hide processes', keys: [], run: () => actions.togglePanel('processes') },
  { id: 'toggle-history', title: 'Show or hide history', keys: ['Ctrl+Shift+H'], run: () => actions.togglePanel('history') },
  { id: 'zoom-in', title: 'Larger text', keys: ['Ctrl+=', 'Ctrl++', 'Ctrl+Shift+='], run: () => actions.zoom(1) },
  { id: 'zoom-out', title: 'Smaller text', keys: ['Ctrl+-'], run: () => actions.zoom(-1) },
  { id: 'zoom-reset', title: 'Usual text size', keys: ['Ctrl+0'], run: () => actions.zoom(0) },
  { id: 'theme-system', title: 'Colours: follow the system', keys: [], run: () => setPreferences({ theme: 'system' }) },
  { id: 'theme-light', title: 'Colours: light', keys: [], run: () => setPreferences({ theme: 'light' }) },
  { id: 'theme-dark', title: 'Colours: dark', keys: [], run: () => setPreferences({ theme: 'dark' }) },
  {
    id: 'reconnect',
    title: 'Reconnect now',
    keys: [],
    isAvailable: () => activeHost(app.get())?.link.is === 'offline',
    run: () => client(activeHostName()).reconnectNow(),
  },
  {
    id: 'drop-pending',
    title: 'Drop what was typed and not sent yet',
    keys: [],
    isAvailable: () => (terminals.get(activeId())?.view.pendingUnits ?? 0) > 0,
    run: () => terminals.get(activeId())?.dropPending(),
  },
  {
    id: 'add-host',
    title: 'Add host…',
    keys: [],
    isAvailable: () => platform.reachesHosts,
    run: () => app.set({ dialog: { is: 'add-host' } }),
  },
  { id: 'join', title: 'Join somebody’s session…', keys: [], isAvailable: () => platform.reachesHosts, run: () => openJoin('') },
  {
    id: 'app-key',
    title: 'Key of this app: by which others invite you…',
    keys: [],
    isAvailable: () => platform.reachesHosts,
    run: () => app.set({ dialog: { is: 'app-key' } }),
  },
  {
    id: 'remove-host',
    title: 'Remove this host from the window (its sessions go on)',
    keys: [],
    isAvailable: () => activeHostName() !== LOCAL_HOST,
    run: () => removeHost(activeHostName()),
  },
  { id: 'echo-slow', title: 'Predict the echo of typing: on slow links', keys: [], run: () => setPreferences({ echoPrediction: 'slow' }) },
  { id: 'echo-always', title: 'Predict the echo of typing: always', keys: [], run: () => setPreferences({ echoPrediction: 'always' }) },
  { id: 'echo-never', title: 'Predict the echo of typing: never', keys: [], run: () => setPreferences({ echoPrediction: 'never' }) },
  { id: 'next-region', title: 'Go to the next part of the window', keys: ['F6'], run: () => actions.cycleRegions(1) },
  { id: 'previous-region', title: 'Go to the previous part of the window', keys: ['Shift+F6'], run: () => actions.cycleRegions(-1) },
];

/** For whoever is in front of the window, as things are. */
export const isUsable = ({ id, isAvailable }: Command): boolean => mayUse(id) && (isAvailable?.() ?? true);

/** Throws if there is no such command: a mistake of ours. */
export function runCommand(id: string): void {
  const command = COMMANDS.find((each) => each.id === id);
  if (!command) throw new Error(`there is no command "${id}"`);
  if (isUsable(command)) command.run();
}

export const runMenuCommand = (command: MenuCommand): void => runCommand(command);

/** How the first key of a command reads on this machine, or null. */
export function keyText(id: string): string | null {
  const key = COMMANDS.find((each) => each.id === id)?.keys[0];
  if (!key) return null;
  return platform.isMac && !key.includes('Tab') ? key.replace('Ctrl+', 'Cmd+') : key;
}
