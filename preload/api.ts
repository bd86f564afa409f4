/** What the desktop app offers to its page: `window.cmdop`. Absent in a browser. */

export type Theme = 'system' | 'light' | 'dark';

/** Whether typed text is shown before the host's echo: where the link is slow, everywhere, or nowhere. */
export type EchoPredictionChoice = 'slow' | 'always' | 'never';

/** Kept by the app across starts; everything else the page needs it asks the hosts for. */
export type Preferences = {
  theme: Theme;
  /** CSS pixels. */
  fontSize: number;
  /** Sessions open as tabs, as `cmdop://HOST/ID`, in order, and the one in front. */
  tabs: string[];
  activeTab: string | null;
  /** Hosts beside this machine, as they were named when they were added. */
  hosts: string[];
  sidebar: boolean;
  panel: 'actors' | 'history' | 'approvals' | 'files' | 'ports' | 'processes' | null;
  echoPrediction: EchoPredictionChoice;
};

/** Before anybody chose, in the app and in a browser. */
export const DEFAULT_PREFERENCES: Preferences = {
  theme: 'system',
  fontSize: 13,
  tabs: [],
  activeTab: null,
  hosts: [],
  sidebar: true,
  panel: 'actors',
  echoPrediction: 'slow',
};

/** Commands of the application menu, sent to the page that has the focus. */
export type MenuCommand =
  | 'new-session'
  | 'add-host'
  | 'join'
  | 'close-tab'
  | 'next-tab'
  | 'previous-tab'
  | 'find'
  | 'palette'
  | 'toggle-sidebar'
  | 'toggle-actors'
  | 'toggle-history'
  | 'toggle-approvals'
  | 'toggle-files'
  | 'toggle-ports'
  | 'toggle-processes'
  | 'pause-agents'
  | 'policy'
  | 'zoom-in'
  | 'zoom-out'
  | 'zoom-reset';

/** A host program that lies on a host's machine; `isOlder`: it is of an older version than this app. */
export type HostBuild = { version: string; build: string | null; node: string; hostBundle: string; isOlder: boolean };

/** A host that can be added: where it is known from, and what leads there. */
export type KnownHost = { name: string; by: 'SSH' | 'command'; detail: string };

/** The port with this `id` is on its way to `window`. */
export type Connected = { is: 'connected'; id: number; transport: string };

/**
 * `failed`: the sentence to show. `needs`: what would help: `time`, try again later; `person`, somebody must decide or
 * repair something first; `install`, the machine was reached and has no cmdop.
 */
export type ConnectAnswer = Connected | { is: 'failed'; message: string; needs: 'time' | 'person' | 'install' };

/** The app's key as a guest; `sealedBy`: the keychain that keeps it, null where `file` alone does. */
export type AppKey = { publicKey: string; fingerprint: string; sealedBy: string | null; file: string };

/** An invite as it was sent: the code, the line or the link; what its host is to be called and where SSH goes, or empty. */
export type WantedInvite = { code: string; name: string; ssh: string };
/** What it is an invite to. The host has proven `hostKey`; `facts`: null where it is too old to tell them before. */
export type InviteView = {
  machine: string;
  hostKey: string;
  socket: string;
  ownKey: string;
  facts: { session: string; owner: string; name: string; role: 'observer' | 'operator'; expiresAt: number | null } | null;
};
/** The host as it is called here now, and the session's id. */
export type Joined = { host: string; session: string };

/** Something only a person can answer before a host is reached; `id` is given back with the answer. */
export type Question =
  | { is: 'host-key'; id: number; host: string; address: string; type: string; fingerprint: string; remark: string | null }
  | {
      is: 'secret';
      id: number;
      host: string;
      kind: 'passphrase' | 'password' | 'interactive';
      prompt: string;
      isEchoed: boolean;
      instruction: string | null;
    };

/** To a host key: trusted or not. To a secret: what was typed, null to give up. */
export type QuestionAnswer = { id: number; answer: boolean | string | null };

/** A port of a session (its id) that is to be opened on this machine. */
export type WantedForward = { host: string; session: string; port: number };
/** One that is: where, and what has come from the program and gone to it, bytes. */
export type ForwardView = WantedForward & {
  id: number;
  localPort: number;
  address: string;
  received: number;
  sent: number;
  connections: number;
};

/** A folder of this machine (`path`) for the folder `folder` of a session (its id): its own where that is empty. */
export type WantedFolder = { path: string; host: string; session: string; folder: string };
/** One on its way; see FolderUpload. */
export type FolderView = {
  id: number;
  host: string;
  session: string;
  name: string;
  state: 'looking' | 'running' | 'asks' | 'done' | 'failed' | 'cancelled';
  files: number;
  bytes: number;
  doneFiles: number;
  doneBytes: number;
  conflicts: number;
  remarks: readonly string[];
  remarkCount: number;
  message: string | null;
  path: string | null;
};
/** `overwrite` and `leave`: all that is there already. */
export type FolderDecision = { id: number; is: 'overwrite' | 'leave' | 'cancel' | 'again' | 'forget' };

/** What the app tells its page unasked. */
export type AppEvent =
  | { is: 'menu'; command: MenuCommand }
  | { is: 'question'; question: Question }
  /** Nobody waits for the answer any more: the server gave up, say. */
  | { is: 'withdrawn'; id: number }
  | { is: 'notice'; host: string; text: string }
  /** The forwards that are open, when anything of them is different. */
  | { is: 'forwards'; forwards: ForwardView[] }
  | { is: 'folder'; folder: FolderView }
  | { is: 'installing'; host: string; step: string; share: number | null }
  /** A link `cmdop://HOST/SESSION` was opened. */
  | { is: 'open'; address: string }
  /** A link `cmdop://join/CODE` was opened: an invite to look at. */
  | { is: 'invite'; code: string }
  /** A notification was clicked; `about` as it was given. */
  | { is: 'noticed'; about: string }
  /** The machine woke up, or the network is back. */
  | { is: 'awake' };

/** Something that needs a person who looks elsewhere; a later one with the same `about` takes its place. */
export type Notice = { title: string; body: string; about: string };

/** What the window is called, and how much waits for a person: a number on the dock or taskbar, where there is such a thing. */
export type WindowTitle = { text: string; waiting: number };

export type DesktopApi = {
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly version: string;
  /** What the user is called: from git or the operating system. */
  identity(): Promise<{ name: string }>;
  /** Hosts that the user's SSH configuration and hosts file name. */
  hosts(): Promise<KnownHost[]>;
  /**
   * A fresh byte stream to `host` (`local`, a known host's name, `user@name:port`), starting the host program if none runs.
   * The port arrives on `window` as a message `{ cmdop: 'port', id }` with one transferred MessagePort; Uint8Arrays go
   * both ways, `null` closes. Questions come as events meanwhile.
   */
  connect(host: string): Promise<ConnectAnswer>;
  /** The same to a session's keeper, at a socket that this machine's host has named. Rejects where that is none. */
  connectKeeper(socket: string): Promise<Connected>;
  answer(answer: QuestionAnswer): Promise<void>;
  /** Rejects with a sentence where it cannot be had. */
  key(): Promise<AppKey>;
  /** Reaches the host of an invite, which is not used by it. Questions come as events, for the invite's machine. Rejects with a sentence. */
  lookAtInvite(wanted: WantedInvite): Promise<InviteView>;
  /** Accepts it. */
  join(wanted: WantedInvite): Promise<Joined>;
  /** Nobody waits for what `lookAtInvite` or `join` still does. */
  endJoining(): Promise<void>;
  /** Puts cmdop into the home folder on `host`; progress comes as events. Rejects with a sentence that says what to do. */
  install(host: string): Promise<void>;
  /** What could take the place of the program that serves as `host`; null where that cannot be told. */
  hostBuild(host: string): Promise<HostBuild | null>;
  /** Opens a port of a session on this machine's loopback: the same if it is free. Rejects with a sentence that says what to do. */
  forward(wanted: WantedForward): Promise<ForwardView>;
  endForward(id: number): Promise<void>;
  forwards(): Promise<ForwardView[]>;
  /** Sends a folder that the person dropped; resolves with its number once it has begun. Rejects with a sentence. */
  sendFolder(dropped: File, wanted: Omit<WantedFolder, 'path'>): Promise<number>;
  decideFolder(decision: FolderDecision): Promise<void>;
  preferences(): Promise<Preferences>;
  savePreferences(preferences: Preferences): Promise<void>;
  /** Only http, https and mailto; asks nothing. */
  openExternal(url: string): Promise<void>;
  /** Where a file lies that the person dropped or chose; empty for what is no file of the disk. */
  pathOf(file: File): string;
  readClipboard(): Promise<string>;
  writeClipboard(text: string): Promise<void>;
  setTitle(title: WindowTitle): Promise<void>;
  /** A notification of the system, unless the window has the focus; a click on it shows the window and comes as an event. */
  notify(notice: Notice): Promise<void>;
  /** Events from now on, and those that came before anybody listened. */
  onEvent(listener: (event: AppEvent) => void): void;
};
