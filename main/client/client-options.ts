/** What a client engine and its attachments are made of, and the states in which its link can be. */
import type { Clock } from '#protocol/clock.ts';
import type { CmdopError } from '#protocol/errors.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Result } from '#protocol/messages.ts';
import type { InterfaceKind, Size } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import type { ConnectionEvent } from './connection.ts';
import type { OpenKeeper } from './input-route.ts';

export type ClientIdentity = {
  /** Of this process or window: `newClientId`. Not kept across restarts, since units are numbered per client. */
  id: ClientId;
  interface: InterfaceKind;
  name: string;
  kind?: 'human' | 'agent';
  color?: number;
  build: string;
  /** As in `hello`: where an agent's process is, and whether it may drive the session that it runs in. */
  pid?: number;
  inside?: string;
  ownSessionAllowed?: boolean;
};

export type ClientState =
  | { is: 'connecting' }
  | { is: 'connected'; isResponsive: boolean }
  /**
   * `since`: Unix time of the last byte that came, which what is shown is as old as; of the first failure where none ever
   * did. `retryAt`: Unix time of the next attempt, null while one runs. `isHeld`: there is no next attempt until
   * `reconnectNow`, since a person must do something first.
   */
  | { is: 'offline'; since: number; retryAt: number | null; isHeld: boolean; error: CmdopError }
  | { is: 'closed' };

export type ClientOptions = {
  identity: ClientIdentity;
  /** Makes a fresh transport to the host, starting it where that is possible; `given` says when nobody waits for it any more. */
  connect: (given: AbortSignal) => Promise<Transport>;
  /** Where the host's keepers can be reached, too: typing may go straight to them. */
  openKeeper?: OpenKeeper | undefined;
  clock: Clock;
  /** 0 ≤ x < 1 */
  random: () => number;
  /** Keep the list of sessions and commands live (`host.watch`). */
  watch?: boolean;
  /** Connect again after a loss. Default true; one-shot commands give up instead. */
  reconnect?: boolean;
  /** Whether another attempt after this failure makes sense only once a person acted. Default: never. */
  isHeldBy?: (error: CmdopError) => boolean;
  onState?: (state: ClientState) => void;
  onEvent?: (event: ConnectionEvent) => void;
  /** After every (re)connect with `watch`. */
  onWatch?: (state: Result<'host.watch'>) => void;
};

export type AttachOptions = {
  role?: 'operator' | 'observer';
  size?: Size;
  /** Lines of scrollback wanted above the screen. */
  scrollback?: number;
  /** Output that may be on its way here, bytes; the host's choice when absent. */
  window?: number;
};
