/** How guests come in at a real host, and how their time there ends: proofs, codes, expiry, and crowds that prove nothing. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Identity } from '#local/identity.ts';
import { parseJoinCode } from '#local/join-code.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Engine, Person } from './engine.ts';
import {
  byCode,
  byKey,
  type GuestWorld,
  guestWorld,
  invited,
  newIdentity,
  openShared,
  outcome,
  refusal,
  sharedSocket,
} from './guest-clients.ts';
import { RawGuest } from './raw-guest.ts';

let engine: Engine;
let ann: Person;
let guest: GuestWorld['guest'];
beforeEach(async () => {
  ({ engine, ann, guest } = await guestWorld());
});
afterEach(() => engine.dispose());

const fileText = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

const eventually = async (is: () => boolean): Promise<boolean> => {
  await expect.poll(is).toBe(true);
  return true;
};

describe('at the door', () => {
  test('a key that nobody invited, no proof at all, and a host that is another are refused in a sentence', async () => {
    const { host } = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
    const identity = newIdentity();
    expect(await refusal(engine, byKey(engine, { identity, host }))).toContain(`the key ${identity.publicKey.fingerprint} is not invited`);
    expect(await refusal(engine, () => openShared(engine))).toContain('only invited keys get in here');
    const other = newIdentity().publicKey.fingerprint;
    expect(await refusal(engine, byKey(engine, { identity, host: other }))).toContain('is not the host that you joined');
  });

  test('a code works once, and an invite that has expired or is revoked not at all', async () => {
    const bob = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
    const first = engine.person('bob', { connect: byCode(engine, bob) });
    await first.client.whenConnected();
    expect(await refusal(engine, byCode(engine, { ...bob, identity: newIdentity() }))).toContain('this code was used already');

    const carl = await invited(ann, { session: 'build', name: 'carl', role: 'observer' });
    await ann.client.request('share.revoke', { id: carl.invite.id });
    expect(await refusal(engine, byCode(engine, carl))).toContain('was revoked by the owner');

    const dora = await invited(ann, { session: 'build', name: 'dora', role: 'observer', expiresInMs: 1_000 });
    await expect.poll(async () => (await ann.client.request('share.list', {})).invites.at(-1)?.state, { timeout: 5_000 }).toBe('expired');
    expect(await refusal(engine, byCode(engine, dora))).toContain('has expired');
    const { events } = await ann.client.request('journal.list', { kinds: ['share'] });
    expect(events.map(({ payload }) => payload.is)).toEqual(expect.arrayContaining(['invited', 'joined', 'revoked', 'expired', 'refused']));
  });

  test('an invite can be looked at before it is accepted, by who has its code or its key, and is not used by it', async () => {
    const bob = await invited(ann, { session: 'build', name: 'bob', role: 'operator', expiresInMs: 3_600_000 });
    const look = async (identity: Identity, code?: string) => {
      const client = newClientId(randomBytes);
      const stranger = await RawGuest.at(engine);
      const { result, error } = await stranger.ask('auth.invite', { client, proof: await stranger.proof(identity, client, code) });
      const isStillThere = error === undefined || (await eventually(() => stranger.isClosed));
      expect(isStillThere).toBe(true); // one guess a connection
      stranger.close();
      return result ?? error?.message;
    };
    const facts = { sessionName: 'build', role: 'operator', name: 'bob', createdBy: 'ann', expiresAt: expect.any(Number) };
    expect(await look(newIdentity(), bob.secret)).toMatchObject(facts);
    expect(await look(bob.identity, bob.secret)).toMatchObject(facts);
    expect((await ann.client.request('share.list', {})).invites[0]).toMatchObject({ state: 'open', key: null });
    expect(await look(bob.identity)).toContain('is not invited');
    expect(await look(bob.identity, 'x'.repeat(32))).toContain('this code is not one of this host');
    await engine.person('bob', { connect: byCode(engine, bob) }).client.whenConnected();
    expect(await look(newIdentity(), bob.secret)).toContain('was used already');
    expect(await look(bob.identity)).toMatchObject(facts);
    await ann.client.request('share.revoke', { id: bob.invite.id });
    expect(await look(bob.identity)).toContain('was revoked by the owner');
    const owner = await outcome(ann, 'auth.invite', { client: newClientId(randomBytes), proof: { key: 'x', signature: 'x' } });
    expect(owner).toBe('unauthorized');
  });

  test('a proof counts once, where it was asked for, and for the client that it was made for', async () => {
    const { identity, secret } = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
    const [client, other] = [newClientId(randomBytes), newClientId(randomBytes)];
    const first = await RawGuest.at(engine);
    const proof = await first.proof(identity, client, secret);
    expect((await first.hello(client, proof)).result).toMatchObject({ guest: { name: 'bob' } });

    const replayed = await RawGuest.at(engine);
    expect((await replayed.hello(client, proof)).error?.message).toContain('there is no challenge for this proof');
    const rechallenged = await RawGuest.at(engine);
    await rechallenged.proof(newIdentity(), client);
    expect((await rechallenged.hello(client, proof)).error?.message).toContain('does not fit the key');
    const swapped = await RawGuest.at(engine);
    expect((await swapped.hello(other, await swapped.proof(identity, client))).error?.message).toContain('there is no challenge');
    const unasked = await RawGuest.at(engine);
    expect((await unasked.ask('session.list', {})).error?.code).toBe('unauthorized');
    for (const guest of [first, replayed, rechallenged, swapped, unasked]) guest.close();
  });

  test('an invited key needs no code, and of several sessions names one', async () => {
    const identity = newIdentity();
    const key = `${identity.publicKey.text} kim@laptop\n`;
    const { code = '' } = await ann.client.request('share.create', { session: 'build', name: 'kim', role: 'operator', key });
    const { host, secret, session } = parseJoinCode(code);
    expect(secret).toBeUndefined();
    const kim = engine.person('kim', { connect: byKey(engine, { identity, host }) });
    await kim.client.whenConnected();
    expect(kim.client.guest).toMatchObject({ name: 'kim', session, authentication: { by: 'key', key: identity.publicKey.fingerprint } });
    await ann.client.request('share.create', { session: 'payroll', name: 'kim', key });
    expect(await refusal(engine, byKey(engine, { identity, host }))).toContain('is invited to build, payroll: name one of them');
    await expect(ann.client.request('share.create', { session: 'build', name: 'max', key: 'ssh-rsa AAAAB3NzaC1yc2E= x' })).rejects.toThrow(
      'cmdop proves Ed25519 keys',
    );
  });

  test('nobody chooses a name: the invite has it, and it is nobody else’s', async () => {
    const bob = await guest('operator');
    expect(bob.client.actor?.name).toBe('bob');
    const inviting = (name: string) => ann.client.request('share.create', { session: 'build', name });
    await expect(inviting('ann')).rejects.toMatchObject({ code: 'name-taken' });
    await expect(inviting('ＡＮＮ')).rejects.toMatchObject({ code: 'name-taken' });
    await expect(inviting('Bob')).rejects.toMatchObject({ code: 'name-taken' });
    await expect(inviting('\u202enna')).rejects.toThrow('characters that nobody sees');
    await expect(inviting('bo\u200bb')).rejects.toThrow('characters that nobody sees');
    await expect(inviting('a\x1b[31m')).rejects.toThrow('characters that nobody sees');
    await expect(inviting('ann\ufe0f')).rejects.toThrow('characters that nobody sees');
    await expect(inviting('\u0430nn')).rejects.toThrow('mixes Latin and Cyrillic letters');
    const owner = engine.person('sasha');
    await owner.client.whenConnected();
    owner.client.close();
    await expect(inviting('sasha')).rejects.toMatchObject({ code: 'name-taken' });
    const cyrillic = '\u0455\u0430\u0455\u04bb\u0430'; // looks like sasha
    await expect(inviting(cyrillic)).rejects.toMatchObject({ code: 'name-taken' });
    bob.client.close();
    await expect(inviting('b0b')).rejects.toMatchObject({ code: 'name-taken' }); // invited, and away
  });

  test('who had a name in a session keeps it from other keys, also when the invite is over; owners do over a restart', async () => {
    const [first, other] = [newIdentity(), newIdentity()];
    const inviting = (name: string, { publicKey }: Identity) =>
      ann.client.request('share.create', { session: 'build', name, key: publicKey.text });
    const { invite } = await inviting('carl', first);
    await ann.client.request('share.revoke', { id: invite.id });
    await expect(inviting('carl', other)).rejects.toThrow('was a guest of build with another key');
    expect((await inviting('carl', first)).invite.name).toBe('carl');
    const sasha = engine.person('sasha');
    await sasha.client.whenConnected();
    sasha.client.close();
    await engine.killHost();
    await engine.startHost();
    await ann.client.whenConnected();
    await expect(inviting('sasha', other)).rejects.toMatchObject({ code: 'name-taken' });
  });

  test('how a guest came is their own word, and stands in the journal as that, beside the key that they have proven', async () => {
    const { identity, secret } = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
    const liar = await RawGuest.at(engine);
    liar.claim({ kind: 'ssh', user: 'ann\x1b[2J', key: 'SHA256:of-ann', from: '192.0.2.7', isClaimed: false });
    liar.claim({ kind: 'ssh', user: 'root' });
    const client = newClientId(randomBytes);
    await liar.hello(client, await liar.proof(identity, client, secret));
    await liar.ask('session.attach', { session: 'build' });
    const { events } = await ann.client.request('journal.list', { kinds: ['attach'] });
    expect(events.at(-1)?.payload).toMatchObject({
      authentication: { by: 'key', key: identity.publicKey.fingerprint },
      origin: { kind: 'ssh', user: 'ann[2J', key: 'SHA256:of-ann', from: '192.0.2.7', isClaimed: true },
    });
    liar.close();
  });

  test('who takes the id of another’s client does not get its place', async () => {
    const view = ann.attach('build');
    await view.until(() => view.stream.isAttached);
    const { identity, secret } = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
    const thief = await RawGuest.at(engine);
    const stolen = ann.client.clientId;
    await thief.hello(stolen, await thief.proof(identity, stolen, secret));
    expect((await thief.ask('session.attach', { session: 'build' })).error?.message).toContain('is not one of bob');
    expect(view.stream.isAttached).toBe(true);
    view.stream.detach();
    await ann.until(() => ann.sessions.some(({ name, attached }) => name === 'build' && attached.length === 0));
    expect((await thief.ask('session.attach', { session: 'build' })).error?.message).toContain('is not one of bob');
    thief.close();
  });
});

describe('whose time is over', () => {
  /** A session whose program writes what it reads into a file, byte by byte as it comes. */
  async function recorder(): Promise<string> {
    const file = join(engine.home, 'typed');
    await ann.client.request('session.create', {
      name: 'rec',
      command: ['sh', '-c', `stty raw -echo; printf ready; exec cat > '${file}'`],
      cwd: '/',
      controlMode: 'open',
    });
    return file;
  }

  const ENDS: Record<string, { expiresInMs?: number; end: (invite: string) => Promise<unknown>; told: RegExp }> = {
    revoked: { end: (id) => ann.client.request('share.revoke', { id }), told: /ann has revoked the invite/ },
    kicked: {
      end: () => ann.client.request('session.kick', { session: 'rec', actor: 'bob' }),
      told: /bob was removed from rec by its owner/,
    },
    expired: { expiresInMs: 1_500, end: () => Promise.resolve(), told: /the invite of bob has expired/ },
  };

  test.each(Object.keys(ENDS))('%s while typing: what was let through ran, and nothing else does', { timeout: 30_000 }, async (how) => {
    const { end, told, expiresInMs } = ENDS[how] as (typeof ENDS)[string];
    const file = await recorder();
    const who = await invited(ann, {
      session: 'rec',
      name: 'bob',
      role: 'operator',
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
    });
    const bob = engine.person('bob', { connect: byCode(engine, who) });
    const view = bob.attach('rec');
    await view.until('ready');
    let isOver = false;
    const typed: Promise<{ unit: string; applied: boolean }>[] = [];
    const typing = async (): Promise<void> => {
      for (let n = 0; !isOver && n < 50_000; n++) {
        const unit = `<${n}>`;
        typed.push(view.type(unit).then(({ verdict }) => ({ unit, applied: verdict === 'applied' })));
        if (n % 50 === 0) await typed.at(-1);
      }
    };
    const writing = typing();
    await view.until(() => typed.length > 100);
    await end(who.invite.id);
    await view.until(() => view.refusals.some((sentence) => told.test(sentence)));
    isOver = true;
    await writing;
    const applied = (await Promise.all(typed)).flatMap((each) => (each.applied ? [each.unit] : []));
    expect(applied.length).toBeLessThanOrEqual(typed.length);
    const owner = ann.attach('rec');
    await owner.until('ready');
    await owner.type('end');
    await expect.poll(() => fileText(file)).toMatch(/end$/);
    // What the program had not read yet is taken back from the terminal too.
    const ran = fileText(file).slice(0, -'end'.length);
    expect(applied.join('').startsWith(ran)).toBe(true);
    if (how !== 'kicked') await bob.until(() => bob.client.state.is !== 'connected');
    expect(await refusal(engine, byKey(engine, who))).toMatch(how === 'kicked' ? /let in/ : /revoked|expired/);
  });
});

test('a thousand who prove nothing do not keep a guest out, nor the owner waiting, and are a few lines of the journal', {
  timeout: 60_000,
}, async () => {
  const who = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
  const view = ann.attach('build');
  await view.until(() => view.stream.isAttached);
  const crowd: Socket[] = [];
  const echoes: number[] = [];
  const echo = async (n: number): Promise<void> => {
    const begun = performance.now();
    await view.type(`echo${n}-\n`);
    await view.until(`echo${n}-`);
    echoes.push(performance.now() - begun);
  };
  await echo(0);
  for (let n = 0; n < 1_000; n++) {
    crowd.push(
      connect(sharedSocket(engine))
        .on('error', () => {})
        .resume(),
    );
    if (n % 100 === 99) await echo(n);
  }
  const bob = engine.person('bob', { connect: byCode(engine, who) });
  await bob.client.whenConnected();
  await echo(1_001);
  expect(echoes.toSorted((a, b) => a - b)[5]).toBeLessThan(250);
  await expect.poll(() => crowd.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(64);
  const { events } = await ann.client.request('journal.list', { kinds: ['share'] });
  expect(events.filter(({ payload }) => payload.is === 'refused').length).toBeLessThanOrEqual(3);
  for (const socket of crowd) socket.destroy();
});
