/** Something that a program waits for in a session. */
import type { Offset } from '#protocol/ids.ts';

/** What is waited for: told with the line where it was found, or an empty string. */
export type Condition = {
  look(): Promise<string | null>;
  /** Calls `wake` when it may hold, beside what the session tells; returns how to end that. */
  listen?(wake: () => void): () => void;
  againInMs?: () => number | null;
  offset?: () => Offset;
};
