/** Links `cmdop://HOST/SESSION` and `cmdop://join/CODE`, wherever the operating system hands them over: the page opens them. */
import { app } from 'electron';
import { LINK_PREFIX, parseJoinCode } from '#local/join-code.ts';
import { parseAddress } from '#protocol/address.ts';
import { tellPage } from './page-events.ts';

/** Longer than any address of ours, characters. */
const MAX_ADDRESS = 600;

/** Must run before the app is ready, since macOS may hand over a link before that. */
export function acceptLinks(): void {
  app.on('open-url', (event, url) => {
    event.preventDefault();
    openLink(url);
  });
  // A checkout has no installer that says who opens such links; where it is refused, links are opened by `cmdop attach`.
  if (app.isPackaged) app.setAsDefaultProtocolClient('cmdop');
}

/** Opens the addresses among a command line's arguments. */
export function openLinksIn(args: readonly string[]): void {
  for (const argument of args) if (argument.startsWith('cmdop://')) openLink(argument);
}

function openLink(url: string): void {
  if (isInvite(url)) tellPage({ is: 'invite', code: url });
  else if (url.length <= MAX_ADDRESS && parseAddress(url)) tellPage({ is: 'open', address: url });
  else tellPage({ is: 'notice', host: 'local', text: `${url.slice(0, 100)} is no address: it must read cmdop://HOST/SESSION` });
}

/** Only what is a code: there may be a host called join. */
function isInvite(url: string): boolean {
  if (!url.startsWith(LINK_PREFIX)) return false;
  try {
    return parseJoinCode(url) !== null;
  } catch {
    return false;
  }
}
