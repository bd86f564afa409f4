/** One guest in one session, through a terminal at the other end of an SSH channel. */
import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import type { ClientState } from '#client/client-options.ts';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { ConnectionEvent } from '#client/connection.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Size } from '#protocol/shapes.ts';
import { AttachedTerminal } from '../attach/attached-terminal.ts';
import { printable } from '../attach/cells.ts';
import { controlKey, type Key } from '../attach/keys.ts';
import { showEnd } from '../attach/session-end.ts';
import { guestClient, type HostDoor } from './guest-client.ts';
import { SshTty } from './ssh-tty.ts';
import type { Guest as Invited } from './wire.ts';

/** The keys of `cmdop attach`, which a guest cannot choose. */
const KEYS = { detach: key('\\'), take: key('^'), talk: key(']') };
/** Output on its way to a guest, bytes: a key of theirs acts at once also where the network is slow. */
const WINDOW_BYTES = 256 * 1024;
/** Typed and not yet taken by the host above which the guest is not read, bytes. */
const MAX_PENDING_BYTES = 256 * 1024;

export type GuestOptions = {
  door: HostDoor;
  invited: Invited;
  /** Fingerprint of the key that was proved. */
  key: string;
  from: string;
  channel: ServerChannel;
  socket: Socket;
  size: Size;
  /** The guest's terminal is given back: the connection may end. */
  over(): void;
};

export class Guest {
  readonly #options: GuestOptions;
  readonly #client: CmdopClient;
  readonly #terminal: AttachedTerminal;
  #tty: SshTty | null = null;
  #size: Size;
  #isOver = false;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#size = options.size;
    const { door, invited, key: fingerprint, from } = options;
    this.#client = guestClient({
      door,
      proved: { invite: invited.invite, session: invited.session, key: fingerprint, from },
      name: invited.name,
      onState: (state) => this.#stateChanged(state),
      onEvent: (event) => this.#heard(event),
    });
    this.#terminal = new AttachedTerminal({
      client: this.#client,
      session: invited.session,
      keys: KEYS,
      isObserver: invited.role === 'observer',
      takesControl: false,
      size: this.#size,
      windowBytes: WINDOW_BYTES,
      open: (listener) => {
        this.#tty = new SshTty({ channel: options.channel, socket: options.socket, size: this.#size, listener });
        return this.#tty;
      },
      greeting: () => this.#greeting(),
      wayToGrant: () => null,
      typedOffline: () => {},
      changed: () => this.#holdBack(),
    });
    // Before there is anything to show, the guest may go as well.
    options.channel.on('close', this.#gone);
    void this.#terminal.whenEnded().then(
      (ending) => {
        if (ending.by === 'detach') this.#leave(`[left ${this.#terminal.name}]`, 0);
        else this.#leave(`[${this.#terminal.name} ended: ${showEnd(ending.end)}]`, ending.end.code ?? 1);
      },
      (error: unknown) => this.#leave(error instanceof Error ? error.message : String(error), 1),
    );
  }

  resized(size: Size): void {
    this.#size = size;
    this.#tty?.resized(size);
  }

  /** An end from outside: the invite was revoked, or sharing stopped. */
  end(sentence: string): void {
    this.#terminal.fail(new CmdopError('unauthorized', sentence));
  }

  #heard(event: ConnectionEvent): void {
    // Why the host is about to close the connection.
    if (event.event === 'share.ended') this.#terminal.fail(new CmdopError('unauthorized', event.params.message));
    else this.#terminal.heard(event);
  }

  #greeting(): string {
    const { name, role } = this.#options.invited;
    const { detach, take, talk } = KEYS;
    const typing = role === 'observer' ? 'you are looking on' : `${take.name} takes control`;
    return `${printable(name)}, ${role} of ${printable(this.#terminal.name)}: ${typing}; ${talk.name} talks, ${detach.name} leaves`;
  }

  /** Who types faster than the program reads is not read either. */
  #holdBack(): void {
    if (this.#terminal.pendingBytes > MAX_PENDING_BYTES) this.#tty?.pause();
    else this.#tty?.resume();
  }

  #stateChanged(state: ClientState): void {
    if (state.is === 'connected') this.#terminal?.sayLasting(state.isResponsive ? null : 'the host does not answer: waiting for it');
    else if (state.is === 'offline' && state.isHeld) this.#terminal.fail(state.error);
    else if (state.is === 'offline') this.#terminal.sayLasting(`the host is gone, connecting again; ${KEYS.detach.name} leaves`);
  }

  #gone = (): void => this.#leave('', 1);

  #leave(sentence: string, code: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { channel, over } = this.#options;
    channel.off('close', this.#gone);
    const last = this.#terminal.dispose();
    this.#tty?.dispose();
    this.#client.close();
    if (channel.writable) {
      channel.write(`${last}${printable(sentence)}\r\n`);
      channel.exit(code);
      channel.end();
    }
    over();
  }
}

function key(character: string): Key {
  const found = controlKey(character);
  if (!found) throw new Error(`Ctrl-${character} is no key`);
  return found;
}
