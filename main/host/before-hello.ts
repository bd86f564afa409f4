/**
 * A client that was not greeted yet: it says hello in time, and a stranger, who comes where a key must be proven, says
 * little until then, one request at a time, each done in its turn among all strangers.
 */
import type { Turns } from '#local/turns.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Method } from '#protocol/messages.ts';
import type { Entry } from './client-entry.ts';

/** A client must say hello after this long, milliseconds; a stranger, after less. */
const HELLO_TIMEOUT_MS = { owner: 10_000, shared: 5_000, granted: 10_000 };
/** What a stranger may say in all, bytes: three times what the longest hello with a proof has. */
const MAX_BYTES = 8 * 1024;
/** What a stranger may ask in all: a challenge and what the invite is to, then another and hello. */
const MAX_REQUESTS = 4;

/** What may be asked before the greeting. */
const BEFORE_HELLO: ReadonlySet<Method> = new Set(['hello', 'auth.challenge', 'auth.invite']);

export class BeforeHello {
  /** Of strangers; null for whoever has proven something elsewhere, or reaches the owner's socket. */
  readonly #turns: Turns | null;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #requests = 0;
  #isAsking = false;

  /** `late`: it did not say hello in time. */
  constructor(entry: Entry, late: (error: CmdopError) => void) {
    this.#turns = entry.is === 'shared' ? entry.turns : null;
    const timeoutMs = HELLO_TIMEOUT_MS[entry.is];
    this.#timer = setTimeout(() => late(new CmdopError('timeout', `nobody said hello within ${timeoutMs / 1000} s`)), timeoutMs);
  }

  get isStranger(): boolean {
    return this.#turns !== null;
  }

  /** Throws `unauthorized` where a stranger says too much. */
  heard(bytes: number): void {
    this.#bytes += bytes;
    if (this.isStranger && this.#bytes > MAX_BYTES)
      throw unauthorized(`more than ${MAX_BYTES / 1024} KiB came before a key was proven: connect anew, and say hello`);
  }

  /** It says something that is no request. Throws `unauthorized` where that is a stranger. */
  told(): void {
    if (this.isStranger) throw unauthorized('say hello first');
  }

  /** Null where the request may be done at once, else when its turn has come. Throws `unauthorized`. */
  asks(method: Method): Promise<void> | null {
    if (!this.#turns) {
      if (!BEFORE_HELLO.has(method)) throw unauthorized('say hello first');
      return null;
    }
    if (this.#isAsking)
      throw unauthorized(`${method} came before the answer to what was asked before: ask one thing at a time until a key is proven`);
    if (!BEFORE_HELLO.has(method)) throw unauthorized('say hello first');
    if (++this.#requests > MAX_REQUESTS) throw unauthorized(`${MAX_REQUESTS} requests proved no key: connect anew`);
    this.#isAsking = true;
    return this.#turns.wait(this);
  }

  /** Whether it is let go of when `method` was refused. */
  isLastWord(method: string): boolean {
    return this.isStranger || method === 'auth.invite';
  }

  answered(): void {
    this.#isAsking = false;
  }

  /** It was greeted, or is let go of. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#turns?.left(this);
  }
}

const unauthorized = (message: string) => new CmdopError('unauthorized', message);
