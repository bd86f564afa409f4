/** Guests for tests: keys of their own, and the ways by which they come to an engine's host. */
import { createPrivateKey } from 'node:crypto';
import { connect } from 'node:net';
import { GuestTransport } from '#local/guest-transport.ts';
import { type Identity, identityOf, newPrivateKey } from '#local/identity.ts';
import { parseJoinCode } from '#local/join-code.ts';
import { localPaths } from '#local/paths.ts';
import { socketTransport } from '#local/socket-transport.ts';
import { CmdopError } from '#protocol/errors.ts';
import type { Method, ParamsInput, Result } from '#protocol/messages.ts';
import type { Transport } from '#protocol/transport.ts';
import { type Engine, openEngine, type Person } from './engine.ts';

export const newIdentity = (): Identity => identityOf(createPrivateKey(newPrivateKey()));

export const sharedSocket = (engine: Engine): string => localPaths({ ...engine.env }).sharedSocket;

export function openShared(engine: Engine): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = connect(sharedSocket(engine), () => resolve(socketTransport(socket)));
    socket.once('error', reject);
  });
}

/** The socket for guests is open; of this process's own group. */
export async function shareSocket(owner: Person): Promise<void> {
  await owner.client.request('share.socket', { group: String(process.getgid?.()) });
}

export type Guest = { identity: Identity; host: string; secret: string; invite: Result<'share.create'>['invite'] };

/** Invites by code. */
export async function invited(owner: Person, wanted: ParamsInput<'share.create'>): Promise<Guest> {
  const { invite, code = '' } = await owner.client.request('share.create', wanted);
  const { host, secret = '' } = parseJoinCode(code);
  return { identity: newIdentity(), host, secret, invite };
}

/** How a guest comes: with the code, which their key may say again. */
export const byCode =
  (engine: Engine, { identity, host, secret }: Pick<Guest, 'identity' | 'host' | 'secret'>) =>
  async () =>
    new GuestTransport(await openShared(engine), { identity, host, name: 'the host', code: secret });

/** With the key alone. */
export const byKey =
  (engine: Engine, { identity, host }: Pick<Guest, 'identity' | 'host'>) =>
  async () =>
    new GuestTransport(await openShared(engine), { identity, host, name: 'the host' });

/** Who cannot come: the sentence that they are told. */
export async function refusal(engine: Engine, come: () => Promise<Transport>): Promise<string> {
  const person = engine.person('mallory', { reconnect: false, connect: come });
  return person.client.whenConnected().then(
    () => 'let in',
    (error: Error) => error.message,
  );
}

/** What a request is answered with: `done`, or the code of the refusal. */
export async function outcome(person: Person, method: Method, params: object): Promise<string> {
  return person.client.request(method, params as ParamsInput<Method>).then(
    () => 'done',
    (error: unknown) => (error instanceof CmdopError ? error.code : String(error)),
  );
}

export type GuestWorld = {
  engine: Engine;
  ann: Person;
  /** Somebody who joined `build` with this role, whatever their client calls them. */
  guest(role: 'observer' | 'operator', name?: string): Promise<Person>;
};

/** A host with an owner, ann, two sessions of `cat`, build and payroll, and a socket for guests. */
export async function guestWorld(): Promise<GuestWorld> {
  const engine = openEngine();
  await engine.startHost();
  const ann = engine.person('ann');
  await shareSocket(ann);
  for (const name of ['build', 'payroll']) await ann.client.request('session.create', { name, command: ['cat'], cwd: '/' });
  const guest: GuestWorld['guest'] = async (role, name = 'bob') => {
    const who = await invited(ann, { session: 'build', name, role });
    const person = engine.person('root of all', { connect: byCode(engine, who) });
    await person.client.whenConnected();
    return person;
  };
  return { engine, ann, guest };
}
