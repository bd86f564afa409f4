/** Every request of guests at a real host: they get the session and the role that their invite says, and nothing else is there. */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { METHODS, type Method } from '#protocol/messages.ts';
import type { Engine, Person } from './engine.ts';
import { byCode, type GuestWorld, guestWorld, invited, outcome } from './guest-clients.ts';
import { sampleOf } from './sample-params.ts';

let engine: Engine;
let ann: Person;
let guest: GuestWorld['guest'];
beforeEach(async () => {
  ({ engine, ann, guest } = await guestWorld());
});
afterEach(() => engine.dispose());

const METHOD_NAMES = Object.keys(METHODS) as Method[];
/** The session is given. */
const withSession = METHOD_NAMES.filter((method) => 'session' in METHODS[method].params.shape);

describe.each(['observer', 'operator'] as const)('every request of an %s', (role) => {
  test('about another session finds none, or is refused', { timeout: 30_000 }, async () => {
    const bob = await guest(role);
    for (const method of withSession) {
      const code = await outcome(bob, method, sampleOf(METHODS[method].params, { session: 'payroll' }));
      expect([method, code]).toEqual([method, expect.stringMatching(/^(session-not-found|unauthorized|observer)$/)]);
    }
  });

  test('for the owner is refused, and nothing is different after all of them', { timeout: 30_000 }, async () => {
    const bob = await guest(role);
    const before = (await ann.client.request('session.list', {})).sessions.map(({ id, name, state, control }) => ({
      id,
      name,
      state,
      control,
    }));
    const done: string[] = [];
    for (const method of METHOD_NAMES) {
      if (method === 'hello') continue; // ends the connection
      const code = await outcome(
        bob,
        method,
        sampleOf(METHODS[method].params, { session: 'build', name: 'mine', channel: 999_999, timeoutMs: 1_000 }),
      );
      if (code === 'done') done.push(method);
    }
    const reads =
      /^(ping|auth\.challenge|host\.watch|session\.(list|attach|screen|inspect)|output\..*|replay\..*|history\..*|journal\.(list|watch))$/;
    const looks = /^(share\.(say|point|talk)|ports\.(list|watch|unwatch|close)|processes\.list|search\..*|files\.(list|stat|view|read))$/;
    expect(
      done.filter((method) => !reads.test(method) && !looks.test(method) && !(role === 'operator' && /^files\./.test(method))),
    ).toEqual([]);
    const after = (await ann.client.request('session.list', {})).sessions.map(({ id, name, state, control }) => ({
      id,
      name,
      state,
      control,
    }));
    expect(after).toEqual(before);
    const { invites } = await ann.client.request('share.list', {});
    expect(invites.map(({ name, state }) => `${name} ${state}`)).toEqual(['bob used']);
  });

  test('sees one session, and hears nothing of the others', async () => {
    const bob = await guest(role);
    expect((await bob.client.request('session.list', {})).sessions.map(({ name }) => name)).toEqual(['build']);
    await ann.client.request('session.create', { name: 'later', command: ['cat'], cwd: '/' });
    await ann.client.request('session.rename', { session: 'payroll', name: 'salaries' });
    await ann.client.request('session.rename', { session: 'build', name: 'built' });
    await bob.until(() => bob.sessions.some(({ name }) => name === 'built'));
    expect(bob.sessions.map(({ name }) => name)).toEqual(['built']);
    const { events } = await bob.client.request('journal.list', {});
    expect(new Set(events.map(({ session }) => session))).toEqual(new Set([bob.sessions[0]?.id]));
  });
});

test('what a guest asks for in vain stands in the journal of its session, once for many', async () => {
  const bob = await guest('observer');
  bob.attach('build');
  await bob.client.request('session.screen', { session: 'build' });
  const refused = async () => {
    const { events } = await ann.client.request('journal.list', { session: 'build', kinds: ['share'], limit: 500 });
    return events.flatMap(({ actorName, payload }) => (payload.is === 'guest-refused' ? [`${actorName}: ${payload.asked}`] : []));
  };
  expect(await refused()).toEqual([]); // whoever keeps to what they were given leaves none
  for (let n = 0; n < 200; n++) {
    expect(await outcome(bob, 'session.kill', { session: 'build' })).toBe('unauthorized');
    expect(await outcome(bob, 'session.screen', { session: `pay\x1b[2Jroll${n}` })).toBe('session-not-found');
  }
  expect(await outcome(bob, 'control.release', { channel: 1 })).toBe('observer');
  expect(await refused()).toEqual(['bob: session.kill of build', 'bob: session.screen of pay‹Esc›[2Jroll0', 'bob: control.release']);
  const { events } = await ann.client.request('journal.list', { session: 'payroll', kinds: ['share'] });
  expect(events).toEqual([]);
});

test('whatever refuses a guest, it stands in the journal with what was asked for; a mistake does not', async () => {
  const [bob, cleo] = [await guest('observer'), await guest('operator', 'cleo')];
  const { hostKeyFile } = localPaths({ ...engine.env });
  expect(existsSync(hostKeyFile)).toBe(true);
  const view = (person: Person, path: string) => outcome(person, 'files.view', { session: 'build', path });
  const forward = (port: number, any: boolean) => outcome(cleo, 'ports.forward', { session: 'build', port, any });
  const refused = async () => {
    const { events } = await ann.client.request('journal.list', { session: 'build', kinds: ['share'], limit: 500 });
    return events.flatMap(({ actorName, payload }) => (payload.is === 'guest-refused' ? [`${actorName}: ${payload.asked}`] : []));
  };
  // Nothing is there, nothing listens, no such name; and what the app and the command line look at by themselves.
  expect(await view(cleo, '/nothing/of/this/name')).toBe('file-not-found');
  expect(await view(cleo, '/etc/pass\0wd')).toBe('bad-request');
  expect(await forward(1, false)).toBe('port-not-found');
  expect(await outcome(bob, 'session.inspect', { session: 'build' })).toBe('observer');
  expect(await outcome(bob, 'processes.list', { session: 'build' })).toBe('observer');
  expect(await refused()).toEqual([]);

  expect(await view(bob, '/etc/passwd')).toBe('observer');
  expect(await view(cleo, hostKeyFile)).toBe('policy');
  expect(await view(cleo, '/proc/self/environ')).toBe('policy');
  expect(await forward(22, true)).toBe('not-owner');
  const asked = [
    'bob: files.view of build: /etc/passwd',
    `cleo: files.view of build: ${hostKeyFile}`,
    'cleo: files.view of build: /proc/self/environ',
    'cleo: ports.forward of build: 22',
  ];
  expect(await refused()).toEqual(asked);
  // Of the owners nothing is written, whatever they are refused.
  expect(await outcome(ann, 'session.kick', { session: 'build', actor: 'ann' })).toBe('bad-request');
  expect(await outcome(ann, 'files.view', { session: 'nothing', path: '/' })).toBe('session-not-found');
  expect(await refused()).toEqual(asked);
  for (let n = 0; n < 100; n++) {
    expect(await view(bob, `/etc/passwd${n}`)).toBe('observer');
    expect(await view(cleo, '/proc/self/environ')).toBe('policy');
  }
  expect((await refused()).length).toBeLessThan(asked.length + 20);
});

test('what runs in the session is out of an observer’s reach, with its real numbers, and within an operator’s', async () => {
  const { session } = await ann.client.request('session.create', {
    name: 'site',
    command: [process.execPath, '-e', "require('net').createServer().listen(0, '127.0.0.1'); process.stdin.resume()"],
    cwd: '/',
  });
  const found = async () => (await ann.client.request('ports.list', { session: session.id })).ports[0];
  await expect.poll(found).toBeDefined();
  const port = (await found())?.port ?? 0;
  const [program] = (await ann.client.request('processes.list', { session: session.id })).processes;
  const who = await invited(ann, { session: 'site', name: 'cleo', role: 'observer' });
  const cleo = engine.person('cleo', { connect: byCode(engine, who) });
  await cleo.client.whenConnected();
  const signal = { session: 'site', pid: program?.pid, birth: program?.birth, signal: 'SIGKILL' };
  const reach = async () => [
    await outcome(cleo, 'ports.forward', { session: 'site', port }),
    await outcome(cleo, 'files.list', { session: 'site', path: '/' }),
    await outcome(cleo, 'processes.signal', signal),
  ];
  expect(await reach()).toEqual(['observer', 'observer', 'observer']);
  expect((await found())?.port).toBe(port);
  await ann.client.request('role.set', { session: 'site', actor: 'cleo', role: 'operator' });
  expect(await reach()).toEqual(['done', 'done', 'done']);
  await expect.poll(found).toBeUndefined();
});

test('an agent of a guest, whom the policy allows everything, gets nothing that its guest does not', { timeout: 30_000 }, async () => {
  await engine.killHost();
  engine.policy('{ "default": { "agents": "allow" } }');
  await engine.startHost();
  const who = await invited(ann, { session: 'build', name: 'bob', role: 'operator' });
  const bot = engine.person('bot', { kind: 'agent', connect: byCode(engine, who) });
  await bot.client.whenConnected();
  expect(bot.client.actor).toMatchObject({ name: "bob's bot", kind: 'agent', guest: who.invite.id });
  expect((await bot.client.request('session.list', {})).sessions.map(({ name }) => name)).toEqual(['build']);
  for (const method of withSession) {
    const code = await outcome(bot, method, sampleOf(METHODS[method].params, { session: 'payroll' }));
    expect([method, code]).toEqual([method, expect.stringMatching(/^(session-not-found|unauthorized|observer)$/)]);
  }
  const forOwners = METHOD_NAMES.filter((method) =>
    /^(share\.(create|link|list|revoke|ssh|socket)|approval|policy|role|retention|host\.(stop|handoff|status)|web|checkpoint)/.test(method),
  );
  expect(forOwners.length).toBeGreaterThan(20);
  for (const method of forOwners) {
    const code = await outcome(
      bot,
      method,
      sampleOf(METHODS[method].params, { session: 'build', ...(method === 'share.revoke' ? { id: who.invite.id } : {}) }),
    );
    expect([method, code]).toEqual([method, expect.stringMatching(/^(unauthorized|not-owner)$/)]);
  }
});
