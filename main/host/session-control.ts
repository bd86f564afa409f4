/** Who acts in a session, as clients ask for it: take, release. The rules are in #session/control-lease.ts. */
import { CmdopError } from '#protocol/errors.ts';
import type { ClientId } from '#protocol/ids.ts';
import type { Control } from '#protocol/shapes.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { SessionInput } from './session-input.ts';
import type { SessionLife } from './session-life.ts';
import type { SessionSize } from './session-size.ts';

export type SessionControlOptions = {
  life: SessionLife;
  clients: SessionClients;
  input: SessionInput;
  size: SessionSize;
  /** Control must be remembered by the keeper. */
  keepNote(): void;
};

export class SessionControl {
  readonly #options: SessionControlOptions;

  constructor(options: SessionControlOptions) {
    this.#options = options;
  }

  take(attached: Attached, force: boolean): Control {
    const { life, input } = this.#options;
    if (!life.isRunning) throw new CmdopError('session-ended', `${life.name} has ended: nobody can type there`);
    if (attached.role === 'observer') {
      throw new CmdopError('observer', `${attached.actor.name} observes ${life.name}; attach as operator to take control`);
    }
    const result = input.take(attached, force);
    if (result.granted) return input.control();
    throw new CmdopError('control-held', input.heldMessage(result), { holder: result.holder.actor, freeInMs: result.freeInMs });
  }

  release(attached: Attached): Control {
    this.#options.input.release(attached);
    return this.#options.input.control();
  }

  /** Control has moved; `by` is the client that asked and has the answer to its request. */
  moved(by: ClientId | null): void {
    const { life, clients, input, size, keepNote } = this.#options;
    keepNote();
    const control = input.control();
    clients.tell('control.changed', (channel) => ({ channel, control }), by);
    const holder = clients.of(input.controller);
    if (holder) size.fit(holder);
    life.changed();
  }
}
