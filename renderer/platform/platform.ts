/** What the page needs from where it runs: the desktop app or a browser. */
import type { Transport } from '#protocol/transport.ts';
import type { HostBuild, MenuCommand, Preferences } from '../../preload/api.ts';
import { browserPlatform } from './browser.ts';
import { desktopPlatform } from './desktop.ts';

export type Platform = {
  readonly interface: 'desktop' | 'browser';
  readonly isMac: boolean;
  /** Whether the clipboard can be read without a paste event; browsers ask the user each time. */
  readonly canReadClipboard: boolean;
  identity(): Promise<{ name: string }>;
  connect(): Promise<Transport>;
  /** Null in a browser: its page is the running host's own. */
  hostBuild(): Promise<HostBuild | null>;
  preferences(): Promise<Preferences>;
  savePreferences(preferences: Preferences): Promise<void>;
  openExternal(url: string): Promise<void>;
  readClipboard(): Promise<string>;
  writeClipboard(text: string): Promise<void>;
  setTitle(title: string): void;
  onMenu(listener: (command: MenuCommand) => void): void;
};

export const platform: Platform = window.cmdop ? desktopPlatform(window.cmdop) : browserPlatform();
