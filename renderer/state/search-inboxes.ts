/** Where each host's answers to searches arrive. */
import { SearchInbox } from '#client/search-inbox.ts';

const inboxes = new Map<string, SearchInbox>();

/** To be given every event of the host's connection. */
export function searchInbox(host: string): SearchInbox {
  const inbox = inboxes.get(host) ?? new SearchInbox();
  inboxes.set(host, inbox);
  return inbox;
}
