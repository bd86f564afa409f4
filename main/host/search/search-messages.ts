/** What the host and a search worker tell each other. Types only. */
import type { SessionId } from '#protocol/ids.ts';
import type { SearchHit } from '#protocol/search.ts';
import type { Sought } from './matcher.ts';

/** Sent to the worker when it starts. */
export type SearchTask = {
  /** Folders of their output. */
  readonly sessions: readonly { readonly session: SessionId; readonly folder: string }[];
  readonly sought: Sought;
  readonly since: number | null;
  readonly limit: number;
};

/** A hit without what only the host knows. */
export type FoundHit = Omit<SearchHit, 'sessionName' | 'command' | 'offset'> & { readonly offset: number };

/** Worker → host. */
export type WorkerMessage =
  | { readonly kind: 'found'; readonly hits: readonly FoundHit[] }
  | { readonly kind: 'progress'; readonly readBytes: number; readonly totalBytes: number }
  /** A session whose sketches are to be made, or made again. */
  | { readonly kind: 'unsketched'; readonly session: SessionId }
  | { readonly kind: 'ended'; readonly reason: 'complete' | 'limit' }
  | { readonly kind: 'ended'; readonly reason: 'failed'; readonly message: string };
