/** Who is invited to the sessions of a host, and what this window may do where it is a guest itself. */
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { EventParams, ParamsInput } from '#protocol/messages.ts';
import type { Role } from '#protocol/shapes.ts';
import type { Grant, Invite } from '#protocol/sharing.ts';
import { client } from './engines.ts';
import { activeHost, app, findHost, type HostedSession, type HostView, setHost, toast } from './store.ts';
import { terminals } from './terminals.ts';

/** What only owners do to a session: not in the palette of a guest, nor on its keys. */
const FOR_OWNERS: ReadonlySet<string> = new Set([...['rename', 'restart', 'kill', 'share', 'checkpoint', 'checkpoints', 'observer-files']]);
/** About hosts of our own, if there is one in this window. */
const FOR_OWN_HOSTS: ReadonlySet<string> = new Set([
  ...['new-session', 'new-session-with', 'pause-agents', 'resume-agents', 'go-to-approval', 'toggle-approvals', 'policy', 'storage'],
]);
/** Of guests, only operators. */
const FOR_OPERATORS: ReadonlySet<string> = new Set([
  'take-control',
  'release-control',
  'ask-control',
  'grant-control',
  'operate',
  'paste',
  'upload-files',
]);

/** What we are at a host: null for its owners. */
export const guestAt = (host: string): Grant | null => findHost(app.get(), host)?.guest ?? null;

/** What we are there now, which owners may have changed since we came; null for owners. */
export function guestRole({ guest, client: us, sessions }: HostView): Role | null {
  if (!guest) return null;
  const attached = (sessions ?? []).flatMap((session) => session.attached);
  return attached.find(({ client: who }) => who === us)?.role ?? guest.role;
}

/** Whether a command of the window is for whoever is in front of it. */
export function mayUse(command: string): boolean {
  const host = activeHost(app.get());
  if (!host?.guest) return true;
  if (FOR_OWN_HOSTS.has(command)) return app.get().hosts.some((host) => host.guest === null);
  return !FOR_OWNERS.has(command) && !(FOR_OPERATORS.has(command) && isObserver(host));
}

/** The terminal in front hears before the list does that an owner has made us an operator. */
const isObserver = (host: HostView): boolean =>
  guestRole(host) === 'observer' && terminals.get(app.get().preferences.activeTab)?.view.role !== 'operator';

export async function fetchInvites(host: string, engine: CmdopClient): Promise<void> {
  setHost(host, { guest: engine.guest, invites: [] });
  if (engine.guest) return;
  try {
    setHost(host, { invites: (await engine.request('share.list', {})).invites });
  } catch {
    // an older host has no guests; a link that broke asks again when it is back
  }
}

export function inviteChanged(host: string, { invite }: EventParams<'share.changed'>): void {
  const known = findHost(app.get(), host)?.invites ?? [];
  const isKnown = known.some(({ id }) => id === invite.id);
  setHost(host, { invites: isKnown ? known.map((each) => (each.id === invite.id ? invite : each)) : [...known, invite] });
}

/** We are guests no more: said once, and nothing is tried again. */
export function guestEnded(host: string, { message }: EventParams<'share.ended'>): void {
  setHost(host, { guestEnd: message });
}

export const isLive = ({ state }: Invite): boolean => state === 'open' || state === 'used';

export const liveInvites = (invites: readonly Invite[], session: HostedSession): Invite[] =>
  invites.filter((invite) => invite.session === session.id && isLive(invite));

/** What to send to the guest, and what the owner should know first. Throws what was in the way. */
export async function share(
  { host, id }: HostedSession,
  way: 'code' | 'link' | 'key' | 'ssh',
  wanted: Omit<ParamsInput<'share.create'>, 'session'> & Pick<ParamsInput<'share.link'>, 'listen'>,
): Promise<{ line: string | null; note: string | null; invite: Invite }> {
  const { key, listen, ...who } = wanted;
  if (way === 'link') {
    const answer = await client(host).request('share.link', { ...who, session: id, ...(listen ? { listen } : {}) });
    return { line: answer.url, note: answer.note ?? null, invite: answer.invite };
  }
  if (way === 'ssh') {
    const { invite } = await client(host).request('share.create', { ...who, session: id, key: key ?? '', ssh: true });
    const place = await client(host).request('share.ssh', { session: id, ...listen });
    return { line: sshLine(place.sessionName, id, place), note: null, invite };
  }
  const answer = await client(host).request('share.create', { ...who, session: id, ...(way === 'key' ? { key: key ?? '' } : {}) });
  return { line: answer.code === undefined ? null : `cmdop join ${answer.code}`, note: answer.note ?? null, invite: answer.invite };
}

export async function revoke(host: string, { id, name, sessionName }: Invite): Promise<void> {
  try {
    await client(host).request('share.revoke', { id });
    toast(`${name} may not come to ${sessionName} any more.`);
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
  }
}

/** As a guest with plain ssh types it. */
export function sshLine(name: string, id: string, { address, port }: { address: string; port: number }): string {
  return `ssh -p ${port} ${/^[\w.-]+$/.test(name) ? name : id}@${address}`;
}
