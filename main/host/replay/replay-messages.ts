/** What the host and the replay worker tell each other. Types only. */
import type { Offset } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import type { Resize } from '../output/size-history.ts';

/** The screen wanted at `offset`, made of what the folder holds from `start` on. */
export type ReplayQuery = {
  readonly id: number;
  readonly folder: string;
  readonly start: Offset;
  readonly offset: Offset;
  readonly scrollback: number;
  readonly sizes: readonly Resize[];
};

export type ReplayScreen = { readonly offset: Offset; readonly size: Size; readonly text: string; readonly isExact: boolean };

/** Worker → host. */
export type ReplayAnswer = { readonly id: number } & ({ readonly screen: ReplayScreen } | { readonly message: string });
