/** Links to sessions, `cmdop://HOST/SESSION`: the session's tab is opened once its host told of it. */
import { parseAddress } from '#protocol/address.ts';
import { openTab } from './actions.ts';
import { addHost } from './open-hosts.ts';
import { app, findHost, type HostedSession, toast } from './store.ts';

/** How long a host may take to be reached before a link to it is given up, milliseconds: somebody may have to answer a question. */
const GIVE_UP_MS = 120_000;

/** A link may come from anywhere, so a host that is not in this window is only connected to when somebody says so. */
export function openLink(text: string): void {
  const address = parseAddress(text);
  if (!address) return toast(`${text.slice(0, 100)} is no address: it must read cmdop://HOST/SESSION`, 'error');
  if (findHost(app.get(), address.host)) openAddress(address);
  else app.set({ dialog: { is: 'open-link', ...address } });
}

/** Opens the session, which is named by its name or id, on a host that is added where it is not in this window. */
export function openAddress({ host, session }: { host: string; session: string }): void {
  addHost(host);
  const open = (sessions: readonly HostedSession[]) => {
    const found = sessions.find(({ id }) => id === session) ?? sessions.find(({ name }) => name === session);
    if (found) openTab(found.key);
    else toast(`There is no session ${session} on ${host}: the sidebar shows what is there.`, 'error');
  };
  const there = findHost(app.get(), host)?.sessions;
  if (there) return open(there);
  const stop = () => {
    clearTimeout(timer);
    unsubscribe();
  };
  const timer = setTimeout(stop, GIVE_UP_MS);
  const unsubscribe = app.subscribe((state) => {
    const sessions = findHost(state, host)?.sessions;
    if (!sessions) return;
    stop(); // first, since opening a tab is a change of state too
    open(sessions);
  });
}
