/** Names under which the app and its preload speak to each other. */

/** Prefix of a call; the rest is the name of the function in api.ts. */
export const CALL = 'cmdop:';
/** App → page: a command of the menu. */
export const MENU = 'cmdop:menu';
/** App → page: the id of a connection, with its port. */
export const PORT = 'cmdop:port';
/** Argument of the preload that carries the app's version. */
export const VERSION_ARGUMENT = '--cmdop-version=';

/** Of a call: a rejection would reach the page with Electron's own words around the sentence. */
export type Answer<T> = { readonly result: T } | { readonly error: string };
