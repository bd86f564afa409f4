/** Typing past the host when something is not there for a while: the host, the keeper, or the way to it. */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { localPaths } from '#local/paths.ts';
import { atEase, inputsOf, newNotes, typedIn } from './delegation-world.ts';
import { type Engine, openEngine, type Watched } from './engine.ts';
import { native, statOf } from './keeper-world.ts';

let engine: Engine;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
});
afterEach(() => engine.dispose());

describe.runIf(native)('typing past the host', () => {
  test('goes on while the host stands still, and is in its journal once it does not', async () => {
    const ann = engine.person('ann');
    await newNotes(engine, ann);
    const view = ann.attach('notes');
    await view.until('ready');
    await atEase(ann, view);
    const { seq } = await view.type('.');
    await view.until(`ready${'.'.repeat(Number(seq))}`); // the host has nothing on its way
    process.kill(engine.host?.pid ?? 0, 'SIGSTOP');
    const verdicts: Promise<{ seq: number | null; verdict: string }>[] = [];
    try {
      for (const key of 'abc') {
        verdicts.push(view.type(key));
        await view.until(`${key}`);
      }
      expect(typedIn(engine)).toMatch(/^\.+abc$/);
    } finally {
      process.kill(engine.host?.pid ?? 0, 'SIGCONT');
    }
    const told = await Promise.all(verdicts);
    expect(told.map(({ verdict }) => verdict)).toEqual(['applied', 'applied', 'applied']);
    const recorded = (await inputsOf(ann)).slice(-3);
    expect(recorded).toEqual(told.map(({ seq }) => ({ actor: 'ann', payload: expect.objectContaining({ seq, bytes: 1 }) })));
    expect(view.gaps).toEqual([]);
    expect(view.text()).toMatch(/ready\.+abc/);
  });

  test('is known to the next host, where one died before it was told', async () => {
    const ann = engine.person('ann');
    await newNotes(engine, ann);
    const view = ann.attach('notes');
    await view.until('ready');
    await atEase(ann, view);
    const { seq } = await view.type('.');
    await view.until(`ready${'.'.repeat(Number(seq))}`); // the host has nothing on its way
    process.kill(engine.host?.pid ?? 0, 'SIGSTOP');
    const verdicts = [];
    for (const key of 'abc') {
      verdicts.push(view.type(key));
      await view.until(key);
    }
    await engine.killHost();
    await engine.startHost();
    const told = await Promise.all(verdicts);
    expect(told.map(({ verdict }) => verdict)).toEqual(['applied', 'applied', 'applied']);
    await view.type('d');
    await view.until('abcd');
    expect(typedIn(engine)).toMatch(/^\.+abcd$/);
    const recorded = (await inputsOf(ann)).slice(-4);
    for (const [at, { actor, payload }] of recorded.entries())
      expect([actor, payload]).toEqual(['ann', { client: ann.client.clientId, epoch: 1, bytes: 1, seq: (told[0]?.seq ?? 0) + at }]);
  });

  test('has its author in the history, also where no host that lived on ever heard of it', async () => {
    const ann = engine.person('ann');
    writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
    await ann.client.request('session.create', { name: 'notes', cwd: engine.home });
    const view = ann.attach('notes');
    await view.until('$ ');
    for (const key of ': by the host ') await view.type(key);
    await ann.until(() => ann.straight > 0);
    process.kill(engine.host?.pid ?? 0, 'SIGSTOP');
    for (const key of ' past it\r: more\recho "a word') void view.type(key);
    await view.until('$ echo "a word');
    await engine.killHost();
    await engine.startHost();
    for (const key of ' or two"\r') await view.type(key);
    await view.until('a word or two');
    const history = async () => (await ann.client.request('history.list', { session: 'notes' })).commands;
    await expect.poll(async () => (await history()).length).toBe(3);
    for (const { authors, submitter } of await history())
      expect([authors.map(({ name }) => name), submitter?.name]).toEqual([['ann'], 'ann']);
    expect((await inputsOf(ann)).filter(({ payload }) => payload.untold)).toEqual([]);
  });

  test('is on record, and typed once, whenever the host is killed', async () => {
    const ann = engine.person('ann');
    await newNotes(engine, ann);
    const view = ann.attach('notes');
    await view.until('ready');
    const verdicts: ReturnType<Watched['type']>[] = [];
    let isTyping = true;
    const typing = (async () => {
      for (; isTyping; await new Promise(setImmediate)) {
        verdicts.push(view.type(`<${verdicts.length + 1}>`));
        await verdicts.at(-3);
      }
    })();
    for (let kill = 0; kill < 6; kill++) {
      const before = ann.straight;
      await ann.until(() => ann.straight > before);
      const moment = verdicts.length + 1 + ((kill * 7) % 20);
      await ann.until(() => verdicts.length > moment);
      await engine.killHost();
      await engine.startHost();
    }
    isTyping = false;
    await typing;
    for (const { verdict } of await Promise.all(verdicts)) expect(verdict).toBe('applied');
    expect(typedIn(engine)).toBe(verdicts.map((_, at) => `<${at + 1}>`).join(''));
    const recorded = (await inputsOf(ann)).flatMap(({ payload }) => {
      const [from, to] = [Number(payload.from ?? payload.seq), Number(payload.seq)];
      return Array.from({ length: to - from + 1 }, (_, at) => from + at);
    });
    // One that came by the host, and was recorded before that died and after that not written, is recorded again by the next one.
    expect([...new Set(recorded)]).toEqual(verdicts.map((_, at) => at + 1));
  });

  test('is told to a host before that gives way to the next one: every unit is on record', async () => {
    const ann = engine.person('ann');
    await newNotes(engine, ann);
    const view = ann.attach('notes');
    await view.until('ready');
    for (let round = 0; round < 4; round++) {
      await atEase(ann, view);
      let isTyping = true;
      const typing = (async () => {
        for (let last: Promise<unknown> | null = null; isTyping; await new Promise(setImmediate)) {
          const verdict: Promise<unknown> = view.type('x');
          await last;
          last = verdict;
        }
      })();
      const before = ann.client.host?.pid;
      // Who types meanwhile may find the connection gone before the answer.
      await ann.client.request('host.handoff', {}).catch(() => {});
      await ann.until(() => ann.client.host?.pid !== before);
      isTyping = false;
      await typing;
    }
    expect((await view.type('.')).verdict).toBe('applied');
    const units = await inputsOf(ann);
    for (const { payload } of units) expect(payload).not.toHaveProperty('untold');
    expect(units.length).toBe(typedIn(engine).length);
  });

  test('does not hold up anybody for whose keeper stands still: other sessions go on, and so does who took control', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    await newNotes(engine, ann);
    await ann.client.request('session.create', { name: 'other', command: ['/bin/cat'], cwd: engine.home });
    const [view, his, other] = [ann.attach('notes'), ben.attach('notes'), ben.attach('other')];
    for (const each of [view, his]) await each.until('ready');
    await other.until(() => other.stream.isAttached);
    await atEase(ann, view);
    const { keeperPid } = await ann.client.request('session.inspect', { session: 'notes' });
    process.kill(keeperPid ?? 0, 'SIGSTOP');
    await vi.waitUntil(() => statOf(keeperPid ?? 0)[0] === 'T');
    let last: ReturnType<Watched['type']>;
    try {
      void view.type('not any more');
      await his.stream.takeControl();
      last = his.type('<ben>');
      const begun = performance.now();
      for (let n = 0; n < 10; n++) {
        await other.stream.takeControl();
        expect((await other.type('x')).verdict).toBe('applied');
        await other.stream.releaseControl();
      }
      expect(performance.now() - begun).toBeLessThan(5_000);
    } finally {
      process.kill(keeperPid ?? 0, 'SIGCONT');
    }
    expect((await last).verdict).toBe('applied');
    await his.until('<ben>');
    expect(typedIn(engine)).toMatch(/^\.+<ben>$/);
  });

  test('begins once the keeper can be reached, though it could not be at first', async () => {
    const ann = engine.person('ann');
    await newNotes(engine, ann);
    const view = ann.attach('notes');
    await view.until('ready');
    const { runDir } = localPaths(engine.env);
    const [name = ''] = readdirSync(runDir).filter((each) => each.startsWith('k-'));
    renameSync(join(runDir, name), join(runDir, 'away'));
    for (let n = 0; n < 20; n++) expect((await view.type('.')).verdict).toBe('applied');
    expect(ann.straight).toBe(0);
    renameSync(join(runDir, 'away'), join(runDir, name));
    for (let n = 0; n < 200; n++) expect((await view.type('.')).verdict).toBe('applied');
    expect(ann.straight).toBeGreaterThan(0);
  });

  test('shows more than may be on its way from the host, while that stands still: what comes after it comes, too', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    await newNotes(engine, ann, `stty raw -echo; printf ready; while :; do head -c 1 >/dev/null; printf '%3000s' ''; done`);
    const [view, other] = [ann.attach('notes'), ben.attach('notes')];
    await Promise.all([view.until('ready'), other.until('ready')]);
    await atEase(ann, view);
    const shown = () => view.received.from + view.received.length;
    const pages = (keys: number) => 'ready'.length + 3000 * keys;
    const { seq } = await view.type('.');
    const keys = Number(seq);
    await view.until(() => shown() === pages(keys));
    const typing = [];
    process.kill(engine.host?.pid ?? 0, 'SIGSTOP');
    try {
      for (let key = 1; key <= 400; key++) {
        typing.push(view.type('x'));
        await view.until(() => shown() === pages(keys + key));
      }
    } finally {
      process.kill(engine.host?.pid ?? 0, 'SIGCONT');
    }
    for (const { verdict } of await Promise.all(typing)) expect(verdict).toBe('applied');
    await other.stream.takeControl();
    for (let key = 0; key < 60; key++) await other.type('y');
    await view.until(() => shown() === pages(keys + 460));
  });
});
