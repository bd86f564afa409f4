/** What the page needs from where it runs. */
import type { OpenKeeper } from '#client/input-route.ts';
import type { Transport } from '#protocol/transport.ts';
import type { DesktopApi, WindowTitle } from '../../preload/api.ts';

/** What the app's preload gives its page (preload/api.ts) and a browser as well, as far as it can. */
type Given = Pick<
  DesktopApi,
  | 'identity'
  | 'hosts'
  | 'answer'
  | 'key'
  | 'lookAtInvite'
  | 'join'
  | 'endJoining'
  | 'install'
  | 'hostBuild'
  | 'forward'
  | 'endForward'
  | 'forwards'
  | 'decideFolder'
  | 'preferences'
  | 'savePreferences'
  | 'openExternal'
  | 'readClipboard'
  | 'writeClipboard'
  | 'notify'
  | 'onEvent'
>;

export type Platform = Given & {
  readonly interface: 'desktop' | 'browser';
  readonly isMac: boolean;
  /** Whether the clipboard can be read without a paste event; browsers ask the user each time. */
  readonly canReadClipboard: boolean;
  /** Whether other machines' hosts can be added; a browser has the one that serves its page. */
  readonly reachesHosts: boolean;
  /** Whether the host that the page calls local is on the machine of the page, as far as its address tells. */
  readonly isBesideHost: boolean;
  /** Whether ports of sessions can be opened on the machine of this page; a browser cannot. */
  readonly canForward: boolean;
  /** Rejects with a sentence that says what to do; a CmdopError's `data.needs` is as in ConnectAnswer. */
  connect(host: string): Promise<Transport>;
  /** To keepers of this machine; null in a browser, which cannot reach them. */
  readonly openKeeper: OpenKeeper | null;
  /** Null in a browser, which does not tell what of a folder it leaves out. */
  readonly sendFolder: DesktopApi['sendFolder'] | null;
  /** Where a file lies on this machine; null where a page is not told. */
  pathOf(file: File): string | null;
  setTitle(title: WindowTitle): void;
};
