/** What guests may ask and hear: everything is refused but what is listed here; of files, where they lie decides further. */
import { expect, test } from 'vitest';
import type { Approval } from '#protocol/approvals.ts';
import type { ActorId, SessionId } from '#protocol/ids.ts';
import type { Params } from '#protocol/messages.ts';
import { METHODS, type Method } from '#protocol/messages.ts';
import { type GuestView, guestRequest } from '../../main/host/sharing/guest-access.ts';
import { guestHears } from '../../main/host/sharing/guest-events.ts';

const own = { id: 'bcdfghjkmn' as SessionId, name: 'build', isRunning: true };
const guest = (role: GuestView['role']): GuestView => ({ name: 'bob', role, session: own });
const asked = (method: Method, role: GuestView['role'], params: object = {}): unknown =>
  guestRequest(method, params as Params<Method>, guest(role));

const allowed = (role: GuestView['role']) =>
  (Object.keys(METHODS) as Method[]).filter((method) => {
    try {
      asked(method, role);
      return true;
    } catch {
      return false;
    }
  });

const OWNERS = [
  ...['host.status', 'host.stop', 'host.handoff', 'web.open', 'session.create', 'session.rename', 'session.kill', 'session.restart'],
  ...['session.remove', 'session.size', 'session.kick', 'role.set', 'control.mode', 'agents.pause', 'agents.resume', 'journal.verify'],
  ...['approval.list', 'approval.decide', 'policy.get', 'policy.set', 'share.create', 'share.link', 'share.list', 'share.revoke'],
  ...['share.socket', 'share.socket.status', 'files.allow', 'retention.set', 'retention.prune', 'retention.pin'],
];
const ACTS = [
  ...['session.inspect', 'control.take', 'control.release', 'control.request', 'control.grant', 'input.interrupt', 'input.withdraw'],
  ...['agent.reason', 'agent.ask', 'files.write', 'files.folder', 'ports.forward', 'ports.connect', 'processes.list', 'processes.signal'],
];

test('nobody but the owner does what owners do', () => {
  expect(OWNERS.filter((method) => allowed('operator').includes(method as Method))).toEqual([]);
});

test('an observer may do nothing that reaches the session’s programs, an operator all of it', () => {
  expect(ACTS.filter((method) => allowed('observer').includes(method as Method))).toEqual([]);
  expect(ACTS.filter((method) => !allowed('operator').includes(method as Method))).toEqual([]);
});

test('what names no session is about the connection alone', () => {
  const about = allowed('operator').filter((method) => !('session' in METHODS[method].params.shape));
  // Each of these finds what it is about by a channel or number of the connection's own, or tells only of the guest's session.
  expect(about.toSorted()).toEqual(
    [
      ...['hello', 'ping', 'host.watch', 'session.list', 'session.detach', 'session.resize'],
      ...['control.take', 'control.release', 'control.request', 'input.interrupt', 'input.withdraw', 'agent.reason'],
      ...['search.cancel', 'files.finish', 'ports.connect', 'ports.close'],
    ].toSorted(),
  );
});

test('a request that names no session means the guest’s own', () => {
  expect(asked('history.list', 'observer', { limit: 5 })).toEqual({ limit: 5, session: own.id });
  expect(asked('session.attach', 'observer', { session: 'build' })).toEqual({ session: own.id });
  expect(asked('session.attach', 'observer', { session: 'bcd' })).toEqual({ session: own.id });
});

test('another session is answered as if it did not exist', () => {
  expect(() => asked('session.attach', 'operator', { session: 'payroll' })).toThrow(
    'there is no session payroll; there are build (bcdfghjkmn)',
  );
});

test('of events to all, a guest hears those of its session', () => {
  const typing = { session: own.id, actor: 'actor' as ActorId, client: 'client-of-bob' as never };
  expect(guestHears('actor.typing', typing, own.id)).toBe(true);
  expect(guestHears('actor.typing', { ...typing, session: 'other' as SessionId }, own.id)).toBe(false);
  expect(guestHears('host.warnings', { warnings: [] }, own.id)).toBe(false);
  expect(guestHears('approval.changed', { approval: { session: own.id } as Approval }, own.id)).toBe(false);
});
