/** What is typed over a slow link, shown in a person's terminal before its echo is here. */
import { EchoForecast, echoScreen, type ForecastOptions } from '#client/echo-forecast.ts';
import type { Verdict } from '#client/input-outbox.ts';
import type { ScreenTerminal } from '../host/screen/screen-terminal.ts';
import { EchoPainter } from './echo-painter.ts';
import { keysIn } from './input-units.ts';

export type Prediction = Pick<ForecastOptions, 'clock' | 'choice' | 'latencyMs'>;

export type TypedEchoOptions = {
  prediction: Prediction;
  /** The session's screen as parsed so far; `isShown`: the person's terminal shows the same, and takes what is printed. */
  screen(): { terminal: ScreenTerminal; cols: number; isShown: boolean } | null;
  write(bytes: Uint8Array | string): void;
};

/**
 * Output that belongs to the character before it: terminals join or repeat what was printed last, and forget what that was
 * when something comes between. Marks, joiners, halves of flags, vowels of Hangul; REP; a character that is cut.
 */
const JOINS = /^(?:[\p{M}\p{Emoji_Modifier}\p{Regional_Indicator}\u200b-\u200d\u1160-\u11ff\ud7b0-\ud7ff\ufffd]|(?:\x1b\[|\u009b)\d*b)/u;
/** What JOINS looks at fits, bytes. */
const JOINING_BYTES = 16;

export class TypedEcho {
  readonly #options: TypedEchoOptions;
  readonly #forecast: EchoForecast;
  readonly #painter = new EchoPainter();
  /** Something else than output was printed last. */
  #isBetween = false;
  #bufferType = 'normal';

  constructor(options: TypedEchoOptions) {
    this.#options = options;
    this.#forecast = new EchoForecast({
      ...options.prediction,
      screen: () => {
        const { terminal, cols } = options.screen() ?? {};
        return terminal && cols ? echoScreen(terminal.cells, cols) : { cols: 0, cursor: { row: 0, col: 0 }, cell: () => ' ' };
      },
      changed: () => this.#redraw(),
    });
  }

  /** Output must come through `output`. */
  get isBusy(): boolean {
    return this.#forecast.isWaiting || this.#painter.hasDrawn || this.#isBetween;
  }

  /** A unit was typed; `verdict` says when it reached the program. */
  typed(bytes: Uint8Array, verdict: Promise<Verdict>): void {
    this.#lookAtBuffer();
    if (this.#forecast.typed(keysIn(bytes), verdict)) this.#redraw();
  }

  /**
   * Prints output that the screen has parsed, in one piece with what is taken back before it and foretold after it.
   * False where terminals may show it otherwise now than without what was drawn: the window must be drawn anew.
   */
  output(shown: Uint8Array): boolean {
    const isTorn = this.#isBetween && JOINS.test(new TextDecoder().decode(shown.subarray(0, JOINING_BYTES)));
    if (shown.length > 0) this.#isBetween = false;
    const before = this.#painter.takeBack();
    this.#lookAtBuffer();
    this.#forecast.parsed();
    const after = isTorn ? '' : this.#drawing();
    this.#options.write(before === '' && after === '' ? shown : Buffer.concat([Buffer.from(before), shown, Buffer.from(after)]));
    return !isTorn;
  }

  /** The window is about to show something else, or is given back: what to print before. */
  leave(): string {
    this.#forecast.reset();
    this.#isBetween = true;
    return this.#painter.takeBack();
  }

  dispose(): void {
    this.#forecast.dispose();
  }

  #redraw(): void {
    const drawing = this.#drawing();
    if (drawing !== '') this.#options.write(drawing);
  }

  #drawing(): string {
    const screen = this.#options.screen();
    const drawing = this.#painter.show(screen?.isShown ? screen.terminal.cursorLine : null, this.#forecast.overlay);
    if (drawing !== '') this.#isBetween = true;
    return drawing;
  }

  /** Another screen: nothing is known of it. */
  #lookAtBuffer(): void {
    const { type } = this.#options.screen()?.terminal.cells ?? {};
    if (type === undefined || type === this.#bufferType) return;
    this.#bufferType = type;
    this.#forecast.reset();
  }
}
