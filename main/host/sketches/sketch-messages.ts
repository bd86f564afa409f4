/** What the host tells the process that makes sketches. Types only. */

export type SketchTask = {
  /** Folders of their output; `isEnded`: the last segment of it grows no more. */
  readonly sessions: readonly { readonly folder: string; readonly isEnded: boolean }[];
};
