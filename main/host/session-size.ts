/** The size of a session's terminal: which window decides is a rule (#session/window-size.ts), here it takes effect. */
import type { ClientId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { decideSize } from '#session/window-size.ts';
import type { SessionClients } from './session-clients.ts';
import type { SessionLife } from './session-life.ts';
import type { SessionOutput } from './session-output.ts';

export type SessionSizeOptions = { life: SessionLife; clients: SessionClients; output: SessionOutput; controller(): ClientId | null };

export class SessionSize {
  readonly #options: SessionSizeOptions;

  constructor(options: SessionSizeOptions) {
    this.#options = options;
  }

  /** Brings the terminal to the size that is right now; `cause` is who made it so. */
  fit(cause: { actor: Actor }): void {
    const { life, clients, output, controller } = this.#options;
    if (!life.isRunning) return;
    const size = decideSize(clients.all(), controller());
    const current = output.size;
    if (!size || (size.cols === current.cols && size.rows === current.rows)) return;
    life.record(cause, 'resize', { cols: size.cols, rows: size.rows });
    life.stored.size = size;
    output.resize(size);
    life.keeper?.resize(size);
    life.save();
  }
}
