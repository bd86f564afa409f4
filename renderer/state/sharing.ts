/** Who may type: asked for, given, moved between modes; roles, removal and whose window decides the size. */
import type { ClientId } from '#protocol/ids.ts';
import type { Actor, ControlMode, Role, SizePolicy } from '#protocol/shapes.ts';
import { hostTitle } from '../text/host-state.ts';
import { ask, focusTerminal } from './actions.ts';
import { dropRequest } from './control-requests.ts';
import type { SessionKey } from './session-key.ts';
import { app, type ControlRequest, findHost, findSession, type HostedSession, toast } from './store.ts';
import { terminals } from './terminals.ts';

export async function grantRequest(request: ControlRequest): Promise<void> {
  const session = findSession(app.get(), request.session);
  if (session && (await grantControl(session, request.client))) dropRequest(request);
  focusTerminal();
}

export async function grantControl(session: HostedSession, to: ClientId): Promise<boolean> {
  return (await ask({ host: session.host, method: 'control.grant', params: { session: session.id, to } })) !== null;
}

/** What was in the way, or null. */
export async function requestControl(session: SessionKey, reason: string): Promise<string | null> {
  const holder = findSession(app.get(), session)?.control.holder?.actor.name ?? 'whoever has it';
  try {
    const isGranted = await terminals.get(session)?.requestControl(reason);
    toast(isGranted ? 'You have control.' : `${holder} is asked for control.`);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export const setMode = ({ host, id }: HostedSession, mode: ControlMode): Promise<unknown> =>
  ask({ host, method: 'control.mode', params: { session: id, mode } });

/** Of sessions to come on that host. */
export async function setDefaultMode(host: string, mode: ControlMode): Promise<void> {
  if (await ask({ host, method: 'control.mode', params: { mode } })) toast(`New sessions on ${hostTitle(host)} begin in mode ${mode}.`);
}

export const setSizePolicy = ({ host, id }: HostedSession, policy: SizePolicy): Promise<unknown> =>
  ask({ host, method: 'session.size', params: { session: id, policy } });

export const setRole = ({ host, id }: HostedSession, actor: Actor, role: Role): Promise<unknown> =>
  ask({ host, method: 'role.set', params: { session: id, actor: actor.id, role } });

export async function kick({ host, id, name }: HostedSession, actor: Actor): Promise<void> {
  const done = await ask({ host, method: 'session.kick', params: { session: id, actor: actor.id } });
  if (done) toast(`${actor.name} was removed from ${name}, and cannot come back until given a role.`);
}

/** Owner of a session in this window: as attached, and where it is not, as everybody who reaches the host. */
export function isOwner(session: HostedSession): boolean {
  const host = findHost(app.get(), session.host);
  if (host?.guest) return false;
  const mine = host?.client;
  const attached = session.attached.find(({ client }) => client === mine);
  return attached === undefined || attached.role === 'owner';
}
