/** Guests who are in by the link of a browser: what their role lets them type, and the end of it, in the middle of a word. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GuestRole } from '#protocol/sharing.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';
import { accept, browser, socketTo } from './link-browser.ts';

/** Writes what it reads into a file, at once. */
const RECORDER = `process.stdin.setRawMode(true).on('data', (bytes) => fs.appendFileSync(process.argv[1], bytes)); console.log('reads')`;

let engine: Engine;
let ann: Person;
beforeAll(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
});
afterAll(() => engine.dispose());

type Eve = { person: Person; view: Watched; invite: string; ended: string[]; typed(): string; comesAgain(): Promise<'open' | number> };

/** Somebody who came by a link to a session of their own, whose program writes down what it reads. */
async function eveIn(session: string, { role, expiresInMs }: { role: GuestRole; expiresInMs?: number }): Promise<Eve> {
  const file = join(engine.home, `${session}.typed`);
  const command = [process.execPath, '-e', RECORDER, file];
  await ann.client.request('session.create', { name: session, command, cwd: '/' });
  const owner = ann.attach(session);
  await owner.until('reads');
  const made = await ann.client.request('share.link', { session, name: 'eve', role, ...(expiresInMs ? { expiresInMs } : {}) });
  const url = new URL(made.url);
  const signIn = await accept(url);
  const person = engine.person('eve', browser(url, signIn));
  const ended: string[] = [];
  person.hearers.push((event) => event.event === 'share.ended' && ended.push(event.params.message));
  const view = person.attach(session);
  await view.until('reads');
  return {
    ...{ person, view, ended, invite: made.invite.id },
    typed: () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    comesAgain: () => socketTo(url, signIn),
  };
}

test('an operator by a link types, under the name of the link, and everybody knows how they came', async () => {
  const eve = await eveIn('operated', { role: 'operator' });
  await eve.view.type('from a browser');
  await expect.poll(eve.typed).toBe('from a browser');
  const attached = () => ann.sessions.find(({ name }) => name === 'operated')?.attached.find(({ actor }) => actor.name === 'eve');
  await ann.until(() => attached() !== undefined);
  expect(attached()).toMatchObject({ role: 'operator', authentication: { by: 'link', invite: eve.invite } });
  await ann.client.request('role.set', { session: 'operated', actor: 'eve', role: 'observer' });
  await eve.view.type('too late');
  await eve.person.until(() => eve.view.refusals.length > 0);
  expect(eve.view.refusals[0]).toContain('eve observes operated');
  expect(eve.typed()).toBe('from a browser');
});

test('an observer by a link types nothing', async () => {
  const eve = await eveIn('observed', { role: 'observer' });
  await eve.view.type('mine');
  await eve.person.until(() => eve.view.refusals.length > 0);
  expect(eve.typed()).toBe('');
});

type Ending = { expiresInMs?: number; end(session: string, eve: Eve): Promise<unknown>; told: RegExp; again: 'open' | 403 };
const ENDS: Record<string, Ending> = {
  // Who is kicked may look at the page, which says so.
  kicked: { end: (session) => ann.client.request('session.kick', { session, actor: 'eve' }), told: /eve was removed from/, again: 'open' },
  revoked: { end: (_, { invite }) => ann.client.request('share.revoke', { id: invite }), told: /ann has revoked the invite/, again: 403 },
  'out of time': { expiresInMs: 1_500, end: () => Promise.resolve(), told: /the invite of eve has expired/, again: 403 },
};

describe.each(Object.keys(ENDS))('a browser guest who is %s in the middle of typing', (how) => {
  const { end, told, again, ...options } = ENDS[how] as Ending;

  test('hears why, and nothing that they type afterwards runs', async () => {
    const session = `live-${how.replaceAll(' ', '-')}`;
    const eve = await eveIn(session, { role: 'operator', ...options });
    const units: Promise<boolean>[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let n = 0; !isOver; n++) {
        units.push(
          eve.view.type(`${n};`).then(
            (verdict) => verdict.verdict === 'applied',
            () => false,
          ),
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await expect.poll(() => eve.typed().length, { interval: 5 }).toBeGreaterThan(50);
    await end(session, eve);
    await eve.person.until(() => eve.ended.length > 0);
    // The host has said that it is over: what it says after that it has taken must be nothing.
    const until = units.length;
    const seen = eve.typed().length;
    await eve.person.until(() => eve.person.client.state.is !== 'connected');
    isOver = true;
    await writing;
    expect(eve.ended[0]).toMatch(told);
    const applied = await Promise.all(units);
    expect(applied.slice(until)).not.toContain(true);
    const all = applied.map((_, n) => `${n};`).join('');
    const owner = ann.attach(session);
    await owner.until(() => owner.stream.isAttached);
    await owner.stream.takeControl();
    await owner.type('|end');
    await expect.poll(eve.typed).toMatch(/\|end$/);
    const ran = eve.typed().slice(0, -'|end'.length);
    expect(ran.length).toBeGreaterThanOrEqual(seen);
    expect(ran).toBe(all.slice(0, ran.length));
    // What ran is no more than what the host had taken by then.
    expect(ran.split(';').length - 1).toBeLessThanOrEqual(applied.filter(Boolean).length + 1);
    expect(await eve.comesAgain()).toBe(again);
  });
});
