/** Names under which the app and its preload speak to each other. */

/** Prefix of a call; the rest is the name of the function in api.ts. */
export const CALL = 'cmdop:';
/** App → page: an event of api.ts. */
export const EVENT = 'cmdop:event';
/** Page → app: it listens to events from now on. */
export const LISTENING = 'cmdop:listening';
/** App → page: the id of a connection, with its port. */
export const PORT = 'cmdop:port';
/** Argument of the preload that carries the app's version. */
export const VERSION_ARGUMENT = '--cmdop-version=';

/** Of a call: a rejection would reach the page with Electron's own words around the sentence. */
export type Answer<T> = { readonly result: T } | { readonly error: string };
