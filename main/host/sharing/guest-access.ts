/**
 * What a guest may ask of a host: an entry for every method, so that a new one is classified before it can be called.
 * Nothing of a guest is judged anywhere else first: what is not let through here does not happen.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { SessionId } from '#protocol/ids.ts';
import { METHODS, type Method, type Params } from '#protocol/messages.ts';
import type { GuestRole } from '#protocol/sharing.ts';
import { findSession } from '../sessions/session-names.ts';

/** Who of the guests may: none, every one, or operators. A method with a session always means the guest's own. */
type Access = 'never' | GuestRole;

const GUEST_ACCESS: { readonly [M in Method]: Access } = {
  hello: 'observer',
  ping: 'observer',
  // For who has not come in yet.
  'auth.challenge': 'never',
  'auth.invite': 'never',
  'host.watch': 'observer',
  'host.status': 'never',
  'host.stop': 'never',
  'host.handoff': 'never',
  'web.open': 'never',
  'session.list': 'observer',
  'session.create': 'never',
  'session.attach': 'observer',
  'session.detach': 'observer',
  // Names the programs of the session with all their arguments.
  'session.inspect': 'operator',
  'session.screen': 'observer',
  'session.rename': 'never',
  'session.kill': 'never',
  'session.restart': 'never',
  'session.remove': 'never',
  // Of the guest's own window; an observer's decides nothing.
  'session.resize': 'observer',
  'session.size': 'never',
  'session.kick': 'never',
  'role.set': 'never',
  'control.take': 'operator',
  'control.release': 'operator',
  'control.request': 'operator',
  'control.grant': 'operator',
  'control.mode': 'never',
  'agents.pause': 'never',
  'agents.resume': 'never',
  'input.interrupt': 'operator',
  'input.withdraw': 'operator',
  'output.read': 'observer',
  'history.list': 'observer',
  'history.count': 'observer',
  'history.at': 'observer',
  'journal.list': 'observer',
  'journal.watch': 'observer',
  'journal.verify': 'never',
  'agent.reason': 'operator',
  'agent.ask': 'operator',
  'approval.list': 'never',
  'approval.decide': 'never',
  'policy.get': 'never',
  'policy.set': 'never',
  // Which files, is judged where they really lie (files/file-access.ts).
  'files.list': 'observer',
  'files.stat': 'observer',
  'files.view': 'observer',
  'files.read': 'observer',
  'files.write': 'operator',
  'files.finish': 'observer',
  'files.folder': 'operator',
  'files.uploads': 'never',
  'files.discard': 'never',
  'files.allow': 'never',
  'ports.list': 'observer',
  'ports.watch': 'observer',
  'ports.unwatch': 'observer',
  // Of the whole machine, which is not theirs to look at.
  'ports.wait': 'never',
  'ports.forward': 'operator',
  'ports.close': 'operator',
  'ports.connect': 'operator',
  'processes.list': 'operator',
  'processes.signal': 'operator',
  'output.timeline': 'observer',
  'replay.screen': 'observer',
  'replay.prepare': 'observer',
  'replay.cancel': 'observer',
  'search.output': 'observer',
  'search.commands': 'observer',
  'search.cancel': 'observer',
  'retention.get': 'never',
  'retention.set': 'never',
  'retention.pin': 'never',
  'retention.prune': 'never',
  'checkpoint.create': 'never',
  'checkpoint.list': 'never',
  'checkpoint.diff': 'never',
  'checkpoint.restore': 'never',
  'share.create': 'never',
  'share.link': 'never',
  'share.list': 'never',
  'share.revoke': 'never',
  'share.socket': 'never',
  'share.socket.status': 'never',
  'share.ssh': 'never',
  'share.ssh.stop': 'never',
  'share.say': 'observer',
  'share.talk': 'observer',
  'share.point': 'observer',
};

/** A guest as this decides about it: what it is called, its present role, and the one session that exists for it. */
export type GuestView = {
  readonly name: string;
  readonly role: GuestRole;
  readonly session: { readonly id: SessionId; readonly name: string; readonly isRunning: boolean };
};

/**
 * The request as it may be done: about the guest's own session, whatever was left open. Throws `unauthorized` or `observer`
 * where it may not be done, and `session-not-found` for every session but its own, whether there is one or not.
 */
export function guestRequest<M extends Method>(method: M, params: Params<M>, { name, role, session }: GuestView): Params<M> {
  const access = GUEST_ACCESS[method];
  if (access === 'never') throw new CmdopError('unauthorized', `${method} is for the owner: ${name} is a guest of ${session.name}`);
  if (access === 'operator' && role === 'observer')
    throw new CmdopError('observer', `${name} observes ${session.name}: its owner can make them an operator`);
  if (!('session' in METHODS[method].params.shape)) return params;
  const { session: reference } = params as { session?: string };
  if (reference !== undefined) findSession([session], reference);
  return { ...params, session: session.id };
}
