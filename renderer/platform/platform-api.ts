/** What the page needs from where it runs. */
import type { Transport } from '#protocol/transport.ts';
import type {
  AppEvent,
  AppKey,
  DesktopApi,
  FolderDecision,
  ForwardView,
  HostBuild,
  InviteView,
  Joined,
  KnownHost,
  Notice,
  Preferences,
  QuestionAnswer,
  WantedForward,
  WantedInvite,
  WindowTitle,
} from '../../preload/api.ts';

export type Platform = {
  readonly interface: 'desktop' | 'browser';
  readonly isMac: boolean;
  /** Whether the clipboard can be read without a paste event; browsers ask the user each time. */
  readonly canReadClipboard: boolean;
  identity(): Promise<{ name: string }>;
  /** Whether other machines' hosts can be added; a browser has the one that serves its page. */
  readonly reachesHosts: boolean;
  hosts(): Promise<KnownHost[]>;
  /** Rejects with a sentence that says what to do; a CmdopError's `data.needs` is as in ConnectAnswer. */
  connect(host: string): Promise<Transport>;
  answer(answer: QuestionAnswer): Promise<void>;
  key(): Promise<AppKey>;
  lookAtInvite(wanted: WantedInvite): Promise<InviteView>;
  join(wanted: WantedInvite): Promise<Joined>;
  endJoining(): Promise<void>;
  install(host: string): Promise<void>;
  /** Null in a browser: its page is the running host's own. */
  hostBuild(host: string): Promise<HostBuild | null>;
  /** Whether ports of sessions can be opened on the machine of this page; a browser cannot. */
  readonly canForward: boolean;
  forward(wanted: WantedForward): Promise<ForwardView>;
  endForward(id: number): Promise<void>;
  forwards(): Promise<ForwardView[]>;
  /** Null in a browser, which does not tell what of a folder it leaves out. */
  readonly sendFolder: DesktopApi['sendFolder'] | null;
  decideFolder(decision: FolderDecision): Promise<void>;
  preferences(): Promise<Preferences>;
  savePreferences(preferences: Preferences): Promise<void>;
  openExternal(url: string): Promise<void>;
  /** Where a file lies on this machine; null where a page is not told. */
  pathOf(file: File): string | null;
  readClipboard(): Promise<string>;
  writeClipboard(text: string): Promise<void>;
  setTitle(title: WindowTitle): void;
  /** Where the window does not have the focus, and the person allows it. */
  notify(notice: Notice): Promise<void>;
  onEvent(listener: (event: AppEvent) => void): void;
};
