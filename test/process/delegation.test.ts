/** Who types alone types past the host, and nothing else is different from before. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { atEase, inputsOf, newNotes, typedIn } from './delegation-world.ts';
import { type Engine, openEngine } from './engine.ts';
import { native } from './keeper-world.ts';

let engine: Engine;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
});
afterEach(() => engine.dispose());

describe.runIf(native)('typing past the host', () => {
  test('ends before somebody else has control: the journal has the order in which all was typed', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    await newNotes(engine, ann);
    const views = [ann, ben].map((person) => person.attach('notes'));
    for (const view of views) await view.until('ready');
    const units = new Map<string, string>();
    const people = [ann, ben];
    let number = 0;
    const type = async (who: number) => {
      const unit = `<${who}:${++number}>`;
      const { verdict, seq } = (await views[who]?.type(unit)) ?? {};
      if (verdict === 'applied') units.set(`${who} ${seq}`, unit);
      return verdict;
    };
    for (let round = 0; round < 12; round++) {
      const [who, other] = round % 2 === 0 ? [0, 1] : [1, 0];
      const person = people[who];
      const before = person?.straight ?? 0;
      await views[who]?.stream.takeControl();
      while (person?.straight === before) await type(who);
      let isTyping = true;
      const typing = (async () => {
        while (isTyping) await type(who);
      })();
      for (let n = 0; n < 5; n++) await type(who);
      await views[other]?.stream.takeControl();
      const verdicts = await Promise.all(Array.from({ length: 5 }, () => type(other)));
      isTyping = false;
      await typing;
      expect(verdicts).toContain('applied');
    }
    const ids = new Map([ann, ben].map(({ client }, who) => [client.clientId as string, who]));
    const all = (await inputsOf(ann)).map(({ payload }) => units.get(`${ids.get(String(payload.client))} ${payload.seq}`) ?? 'unknown');
    expect(all.join('')).toBe(typedIn(engine));
  });

  test('ends before a role is taken away: nothing of theirs is typed after that is said', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    await newNotes(engine, ann);
    const [view] = [ann.attach('notes'), ben.attach('notes')];
    if (!view) return;
    await view.until('ready');
    for (let round = 0; round < 5; round++) {
      await atEase(ann, view);
      let isTyping = true;
      const typing = (async () => {
        while (isTyping) await view.type('x');
      })();
      await ben.client.request('role.set', { session: 'notes', actor: 'ann', role: 'observer' });
      const then = typedIn(engine);
      isTyping = false;
      await typing;
      expect((await view.type('y')).verdict).toBe('refused');
      expect(typedIn(engine)).toBe(then);
      await ben.client.request('role.set', { session: 'notes', actor: 'ann', role: 'owner' });
      await view.until(() => view.stream.role !== 'observer');
    }
  });

  test('is not for passwords: they are secret as ever', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    const file = join(engine.home, 'typed');
    await newNotes(
      engine,
      ann,
      `stty icanon echo; printf ready; read line; stty -echo; printf password:; read secret; printf '%s' "$secret" > ${file}; printf done; stty echo; cat`,
    );
    const view = ann.attach('notes');
    ben.attach('notes');
    await view.until('ready');
    await atEase(ann, view);
    await view.type('\r');
    await view.until('password:');
    for (const key of 'hunter2\r') expect((await view.type(key)).verdict).toBe('applied');
    await view.until('done');
    expect(typedIn(engine)).toBe('hunter2');
    const secrets = (await inputsOf(ann)).slice(-8);
    for (const { payload } of secrets) {
      expect(payload).toMatchObject({ secret: true });
      expect(payload).not.toHaveProperty('bytes');
    }
    await ben.until(() => ben.typing.some(({ secret }) => secret));
  });

  test('makes no difference to who sees it, and to the terminal', async () => {
    const [ann, ben] = [engine.person('ann'), engine.person('ben')];
    await newNotes(engine, ann, 'stty raw -echo; printf ready; exec cat');
    const [view, other] = [ann.attach('notes', { size: { cols: 60, rows: 20 } }), ben.attach('notes')];
    await view.until('ready');
    await atEase(ann, view);
    for (let n = 0; n < 12; n++) {
      const size = { cols: 40 + n, rows: 20 };
      void view.type(`${n}:${'wrapped '.repeat(9)}`);
      view.stream.resize(size);
      void view.type(`${'narrow '.repeat(5)}`);
      await view.until(() => view.view.terminal.cols === size.cols);
      if (n % 4 === 0) await atEase(ann, view);
    }
    await view.type('\r\nEND'); // in a line of its own, not across two
    await Promise.all([view.until('END'), other.until('END')]);
    expect(view.text()).toBe(other.text());
    const [seen, hers] = [view, other].map(({ received }) => Buffer.concat(received.bytes));
    expect(seen && hers?.equals(seen)).toBe(true);
  });
});
