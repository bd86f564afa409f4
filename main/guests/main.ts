/**
 * The process that lets SSH guests into sessions that are shared: what strangers send, and its cryptography, never
 * touches the host. It admits only invited keys, and gives each the one session of its invite, as a client of the host.
 */
import { compileEarly } from '#local/early-tiers.ts';
import { endNow } from '#local/end-now.ts';
import { GatheredRefusals } from '#local/gathered-refusals.ts';
import { localPaths } from '#local/paths.ts';
import { Doorkeeper } from './doorkeeper.ts';
import type { HostDoor } from './guest-client.ts';
import { type HostKey, readHostKey } from './host-key.ts';
import { HostLink } from './host-link.ts';
import { Listener } from './listener.ts';
import type { Doors, Guest } from './wire.ts';

/** By which the host knows this process; in the environment, where only this account can read it. */
const TOKEN_ENV = 'CMDOP_GUESTS_TOKEN';
/** Guests are told why before the process ends, milliseconds. */
const LAST_WORDS_MS = 500;

class Guests {
  readonly #door: HostDoor;
  readonly #doorkeeper = new Doorkeeper(() => performance.now());
  readonly #listeners = new Map<string, Listener>();
  readonly #hostKey: HostKey | null;
  readonly #problem: string | null;
  readonly #link: HostLink;
  readonly #refusals = new GatheredRefusals();
  #guests: readonly Guest[] = [];

  constructor(door: HostDoor, keyFile: string) {
    this.#door = door;
    const read = hostKey(keyFile);
    this.#hostKey = read.key;
    this.#problem = read.problem;
    this.#link = new HostLink(door, {
      doors: (doors) => this.#doors(doors),
      back: () => this.#tell(),
      end: (message) => this.#end(message),
    });
  }

  #doors({ listeners, guests }: Doors): void {
    this.#guests = guests;
    for (const [id, listener] of this.#listeners) {
      if (listeners.some((wanted) => wanted.id === id)) continue;
      this.#listeners.delete(id);
      listener.close('this session is not shared any more');
    }
    for (const wanted of listeners) this.#open(wanted);
    for (const listener of this.#listeners.values()) listener.guestsChanged();
    this.#tell();
  }

  #open(wanted: Doors['listeners'][number]): void {
    if (this.#listeners.has(wanted.id) || !this.#hostKey) return;
    const listener = new Listener({
      ...wanted,
      hostKey: this.#hostKey,
      door: this.#door,
      doorkeeper: this.#doorkeeper,
      guests: () => this.#guests.filter((guest) => guest.listener === wanted.id),
      changed: () => this.#tell(),
      report: (refused) => this.#link.report(refused),
      refused: (guest, sort, asked) =>
        this.#refusals.note({ guest, sort, asked, tell: (told, count) => this.#refused(wanted.id, { invite: guest, asked: told, count }) }),
    });
    this.#listeners.set(wanted.id, listener);
  }

  #tell(): void {
    const key = this.#hostKey;
    this.#link?.report({
      is: 'state',
      hostKey: key && { fingerprint: key.fingerprint, publicKey: key.publicKey },
      listeners: [...this.#listeners.values()].map(({ state }) => state),
      problem: this.#problem,
    });
  }

  /** Nobody was turned away: a guest asked for more than there is. */
  #refused(listener: string, asked: { invite: string; asked: string; count: number }): void {
    const nobody = { sinceMs: 0, unheard: 0, unproved: 0, addresses: [], keys: [], users: [] };
    this.#link.report({ is: 'refused', listener, ...nobody, asked });
  }

  #end(message: string): void {
    this.#refusals.dispose();
    for (const listener of this.#listeners.values()) listener.close(message);
    setTimeout(endNow, LAST_WORDS_MS);
  }
}

function hostKey(file: string): { key: HostKey | null; problem: string | null } {
  try {
    return { key: readHostKey(file), problem: null };
  } catch (error) {
    return { key: null, problem: error instanceof Error ? error.message : String(error) };
  }
}

compileEarly();
process.title = 'cmdop guests';
for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => {}); // a terminal that closes is no reason to end
const { guestsSocket, guestsKeyFile } = localPaths();
const token = process.env[TOKEN_ENV] ?? '';
delete process.env[TOKEN_ENV];
new Guests({ socket: guestsSocket, token }, guestsKeyFile);
