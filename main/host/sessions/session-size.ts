/** The size of a session's terminal: which window decides is a rule (#session/window-size.ts), here it takes effect. */
import type { ClientId } from '#protocol/ids.ts';
import type { Actor, SizePolicy } from '#protocol/shapes.ts';
import { SizeRule } from '#session/window-size.ts';
import type { SessionAccess } from '../journal/stored-shapes.ts';
import type { SessionClients } from './session-clients.ts';
import type { SessionLife } from './session-life.ts';
import type { SessionOutput } from './session-output.ts';

export type SessionSizeOptions = {
  life: SessionLife;
  access: SessionAccess;
  clients: SessionClients;
  output: SessionOutput;
  controller(): ClientId | null;
  /** See Delegation. */
  over(): Promise<void> | null;
};

export class SessionSize {
  readonly #options: SessionSizeOptions;
  readonly #rule = new SizeRule();
  #controller: ClientId | null = null;
  /** Looks again at a size that is held back. */
  #again: NodeJS.Timeout | null = null;

  constructor(options: SessionSizeOptions) {
    this.#options = options;
  }

  get policy(): SizePolicy {
    return this.#options.access.sizePolicy;
  }

  setPolicy(policy: SizePolicy, by: Actor): void {
    const { life, access } = this.#options;
    access.sizePolicy = policy;
    life.record({ actor: by }, 'size', { policy });
    life.saveAccess();
    this.fit({ actor: by });
  }

  /** Brings the terminal to the size that is right now; `cause` is who made it so. */
  fit(cause: { actor: Actor }): void {
    const { life, clients, output, controller } = this.#options;
    this.dispose();
    if (!life.isRunning) return;
    const client = controller();
    if (client !== this.#controller) {
      this.#controller = client;
      const holder = clients.of(client);
      if (holder) clients.touched(holder);
    }
    const { size, againInMs } = this.#rule.decide({
      windows: clients.all(),
      controller: client,
      policy: this.policy,
      now: life.clock.now(),
    });
    if (againInMs !== null) this.#again = setTimeout(() => this.fit(cause), againInMs + 1);
    const current = output.size;
    if (!size || (size.cols === current.cols && size.rows === current.rows)) return;
    // Who types past this host has output that is not here yet, of the size that was.
    const over = this.#options.over();
    if (over) return void over.then(() => this.fit(cause));
    life.record(cause, 'resize', { cols: size.cols, rows: size.rows });
    life.stored.size = size;
    output.resize(size);
    life.keeper?.resize(size);
    life.save();
  }

  dispose(): void {
    if (this.#again) clearTimeout(this.#again);
    this.#again = null;
  }
}
