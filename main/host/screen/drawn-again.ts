/** A session's terminal, drawn once more from its stored output: what stood on it at any offset that is still held. */
import { CmdopError } from '#protocol/errors.ts';
import type { Offset } from '#protocol/ids.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { ScreenTerminal } from './screen-terminal.ts';

/** Output read at a time, bytes. */
const PIECE_BYTES = 256 * 1024;

export class DrawnAgain {
  readonly screen: ScreenTerminal;
  readonly #session: LiveSession;
  #at: Offset;
  /** The next change of size. */
  #resize: number;

  private constructor(session: LiveSession, start: Awaited<ReturnType<LiveSession['output']['begin']>>) {
    this.#session = session;
    this.screen = new ScreenTerminal({ offset: start.offset, size: start.size, snapshot: start.text });
    this.#at = start.offset;
    this.#resize = start.resizeIndex;
  }

  /** With at least `scrollback` lines above the screen, where there are so many. Its owner disposes it. */
  static async begin(session: LiveSession, scrollback: number): Promise<DrawnAgain> {
    await session.output.screen.open();
    const start = await session.output.begin({ have: undefined, scrollback: scrollback + session.output.size.rows });
    return new DrawnAgain(session, start);
  }

  /** Up to where it is drawn. */
  get offset(): Offset {
    return this.#at;
  }

  /** Throws `output-pruned`. */
  async drawTo(to: Offset): Promise<void> {
    const { output, name } = this.#session;
    while (this.#at < to) {
      const next = output.sizes.get(this.#resize);
      const stop = Math.min(to, next ? Math.max(this.#at, next.offset) : to, this.#at + PIECE_BYTES) as Offset;
      if (stop > this.#at) {
        const bytes = await output.readStored(this.#at, stop - this.#at);
        if (!bytes || bytes.length === 0)
          throw new CmdopError('output-pruned', `output of ${name} from offset ${this.#at} is not held any more`);
        this.screen.take(bytes);
        this.#at = (this.#at + bytes.length) as Offset;
      }
      if (next && this.#at >= next.offset) {
        this.screen.resize(next.size);
        this.#resize++;
      }
    }
  }

  dispose(): void {
    this.screen.dispose();
    this.#session.closeIdleScreen();
  }
}
