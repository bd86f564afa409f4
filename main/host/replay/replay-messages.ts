/** What the host and the replay worker tell each other. Types only. */
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import type { Resize } from '../output/size-history.ts';

/** What is held of a session's output, from `start` up to `end`. */
export type ReplaySource = {
  readonly folder: string;
  readonly start: Offset;
  readonly end: Offset;
  readonly sizes: readonly Resize[];
};

/** `draw`: the screen at `offset`. `prepare`: keep a screen wherever none is near. `cancel`: no more of that. */
export type ReplayQuery =
  | { readonly is: 'draw'; readonly id: number; readonly source: ReplaySource; readonly offset: Offset; readonly scrollback: number }
  | { readonly is: 'prepare'; readonly id: number; readonly source: ReplaySource }
  | { readonly is: 'cancel'; readonly id: number };

export type ReplayScreen = {
  readonly offset: Offset;
  readonly size: Size;
  readonly text: string;
  readonly isExact: boolean;
  /** See `replay.screen`. */
  readonly isPlain?: boolean;
};
/** Bytes of output parsed, and to be parsed. */
export type PrepareProgress = { readonly done: number; readonly total: number };

/** Worker → host. */
export type ReplayAnswer = { readonly id: number } & (
  | { readonly screen: ReplayScreen }
  | { readonly progress: PrepareProgress }
  /** Every place is drawn exactly and soon from now on, but what comes after damage. */
  | { readonly isPrepared: boolean }
  | { readonly message: string }
);
