/** What was turned away at a listener, counted, so that a flood of strangers is a few lines in the journal. Pure. */
import type { Report } from './wire.ts';

type Refused = Extract<Report, { is: 'refused' }>;

/** Examples of each kind that are kept. */
const MAX_EXAMPLES = 8;

export class TurnedAway {
  readonly #listener: string;
  #since = 0;
  #unheard = 0;
  #unproved = 0;
  readonly #addresses = new Set<string>();
  readonly #keys = new Set<string>();
  readonly #users = new Set<string>();

  constructor(listener: string) {
    this.#listener = listener;
  }

  get isEmpty(): boolean {
    return this.#unheard + this.#unproved === 0;
  }

  /** It made room for others. */
  unheard(address: string, now: number): void {
    if (this.isEmpty) this.#since = now;
    this.#unheard++;
    keep(this.#addresses, address);
  }

  unproved({ address, keys, user }: { address: string; keys: Iterable<string>; user: string | null }, now: number): void {
    if (this.isEmpty) this.#since = now;
    this.#unproved++;
    keep(this.#addresses, address);
    for (const key of keys) keep(this.#keys, key);
    if (user !== null) keep(this.#users, user.slice(0, 64));
  }

  /** Everything since the last call. */
  take(now: number): Refused {
    const taken: Refused = {
      is: 'refused',
      listener: this.#listener,
      sinceMs: now - this.#since,
      unheard: this.#unheard,
      unproved: this.#unproved,
      addresses: [...this.#addresses],
      keys: [...this.#keys],
      users: [...this.#users],
    };
    this.#unheard = 0;
    this.#unproved = 0;
    for (const examples of [this.#addresses, this.#keys, this.#users]) examples.clear();
    return taken;
  }
}

function keep(examples: Set<string>, example: string): void {
  if (examples.size < MAX_EXAMPLES) examples.add(example);
}
