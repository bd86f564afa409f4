/** What the desktop app offers to its page: `window.cmdop`. Absent in a browser. */

export type Theme = 'system' | 'light' | 'dark';

/** Kept by the app across starts; everything else the page needs it asks the host for. */
export type Preferences = {
  theme: Theme;
  /** CSS pixels. */
  fontSize: number;
  /** Ids of the sessions open as tabs, in order, and the one in front. */
  tabs: string[];
  activeTab: string | null;
  sidebar: boolean;
  panel: 'actors' | 'history' | null;
};

/** Commands of the application menu, sent to the page that has the focus. */
export type MenuCommand =
  | 'new-session'
  | 'close-tab'
  | 'next-tab'
  | 'previous-tab'
  | 'find'
  | 'palette'
  | 'toggle-sidebar'
  | 'toggle-actors'
  | 'toggle-history'
  | 'zoom-in'
  | 'zoom-out'
  | 'zoom-reset';

/** The host program that belongs to the app, and which build it is. */
export type HostBuild = { version: string; build: string | null; node: string; hostBundle: string };

export type DesktopApi = {
  readonly platform: 'linux' | 'darwin' | 'win32';
  readonly version: string;
  /** What the user is called: from git or the operating system. */
  identity(): Promise<{ name: string }>;
  /**
   * A fresh byte stream to the host, starting the host if none runs. The port arrives on `window` as a message
   * `{ cmdop: 'port', id }` with one transferred MessagePort; Uint8Arrays go both ways, `null` closes.
   * Rejects with a sentence that says what to do.
   */
  connect(): Promise<{ id: number }>;
  /** What could take the place of a host of another build. */
  hostBuild(): Promise<HostBuild>;
  preferences(): Promise<Preferences>;
  savePreferences(preferences: Preferences): Promise<void>;
  /** Only http, https and mailto; asks nothing. */
  openExternal(url: string): Promise<void>;
  readClipboard(): Promise<string>;
  writeClipboard(text: string): Promise<void>;
  setTitle(title: string): Promise<void>;
  onMenu(listener: (command: MenuCommand) => void): void;
};
