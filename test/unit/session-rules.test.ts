/** The pure rules of a session: output by offset, input once, control by turns. */
import { describe, expect, test } from 'vitest';
import type { ActorId, ClientId, Epoch, Offset, Seq } from '#protocol/ids.ts';
import type { Role } from '#protocol/shapes.ts';
import { type Contender, ControlLease } from '#session/control-lease.ts';
import { InputGate } from '#session/input-gate.ts';
import { InputLedger, MAX_LEDGER_BYTES } from '#session/input-ledger.ts';
import { OutputRing } from '#session/output-ring.ts';
import { SendWindow, WINDOW_BYTES } from '#session/send-window.ts';
import { randomFrom } from '../contract/random-streams.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (view: Uint8Array) => new TextDecoder().decode(view);
const at = (offset: number) => offset as Offset;

describe('output ring', () => {
  const ring = (capacityBytes: number, ...chunks: string[]) => {
    const made = new OutputRing({ start: at(100), capacityBytes });
    for (const chunk of chunks) made.append(bytes(chunk));
    return made;
  };

  test('bytes are read by absolute offset, across chunks one after the other', () => {
    const made = ring(1000, 'abc', 'def');
    expect([made.start, made.end]).toEqual([100, 106]);
    expect(text(made.read(at(101), 10))).toBe('bc');
    expect(text(made.read(at(103), 2))).toBe('de');
    expect(made.read(at(106), 10)).toHaveLength(0);
  });

  test('beyond the capacity the oldest go, and asking for them is refused', () => {
    const made = ring(4, 'abc', 'def');
    expect([made.start, made.heldBytes]).toEqual([102, 4]);
    expect(text(made.read(at(102), 10))).toBe('c');
    expect(() => made.read(at(101), 1)).toThrow(RangeError);
    expect(() => made.read(at(107), 1)).toThrow(RangeError);
  });

  test('what is dropped early stays inside what is held', () => {
    const made = ring(1000, 'abc', 'def');
    made.dropBefore(at(104));
    expect(text(made.read(at(104), 10))).toBe('ef');
    made.dropBefore(at(999));
    expect([made.start, made.end]).toEqual([106, 106]);
  });
});

describe('input ledger', () => {
  const client = 'c' as ClientId;
  test('a unit is accepted once, whoever sends it again', () => {
    const ledger = new InputLedger();
    expect(ledger.accept(client, 1 as Seq)).toBe('new');
    expect(ledger.accept(client, 1 as Seq)).toBe('repeat');
    ledger.applied(client, 1 as Seq);
    expect(ledger.accept(client, 3 as Seq)).toBe('new');
    expect(ledger.entries()).toEqual([[client, { accepted: 3, applied: 1 }]]);
  });

  test('it remembers 4096 clients and forgets the one silent longest', () => {
    const ledger = new InputLedger();
    const named = (i: number) => `${i}`.padStart(16, 'c') as ClientId; // as long as all are
    for (let i = 0; i <= 4096; i++) {
      ledger.accept(named(i), 1 as Seq);
      ledger.applied(named(i), 1 as Seq);
    }
    expect(ledger.entries()).toHaveLength(4096);
    expect(ledger.accept(named(1), 1 as Seq)).toBe('repeat');
    expect(ledger.accept(named(0), 1 as Seq)).toBe('new');
  });

  test('nobody who has units under way is forgotten, and nobody new is taken in their place', () => {
    const ledger = new InputLedger();
    const taken: ClientId[] = [];
    for (let i = 0; i < 5000; i++) if (ledger.accept(`c${i}` as ClientId, 1 as Seq) === 'new') taken.push(`c${i}` as ClientId);
    expect(taken).toHaveLength(4096);
    expect(ledger.entries().map(([client]) => client)).toEqual(taken);
    ledger.applied('c7' as ClientId, 1 as Seq);
    expect([ledger.accept('c4999' as ClientId, 1 as Seq), ledger.accept('c4998' as ClientId, 1 as Seq)]).toEqual(['new', 'full']);
    expect(ledger.entries().map(([client]) => client)).toEqual([...taken.filter((each) => each !== 'c7'), 'c4999']);
  });

  test('whatever happens, it is told in so many bytes', () => {
    const ledger = new InputLedger();
    const random = randomFrom(1);
    const below = (limit: number) => Math.floor(random() * limit);
    let [most, seq] = [0, Number.MAX_SAFE_INTEGER - 1_000_000];
    for (let step = 0; step < 60_000; step++) {
      const n = below(1200);
      const client = `${n}`.padStart(4 + ((n * 37) % 252), n % 2 ? '\x01' : 'x') as ClientId;
      seq++;
      const what = below(40);
      if (what < 20) ledger.accept(client, seq as Seq);
      else if (what < 22) ledger.applied(client, seq as Seq);
      else if (what < 39) ledger.dropped(client, [(seq - 1) as Seq, seq as Seq, Number.MAX_SAFE_INTEGER]);
      else ledger.forget(client);
      if (step % 500 === 0) most = Math.max(most, Buffer.byteLength(JSON.stringify(ledger.entries())));
    }
    expect(most).toBeLessThan(MAX_LEDGER_BYTES);
    expect(most).toBeGreaterThan(MAX_LEDGER_BYTES / 2);
  });
});

describe('control by turns', () => {
  const person = (name: string, kind: 'human' | 'agent' = 'human', device = ''): Contender => ({
    client: `${name}${device}` as ClientId,
    actor: name as ActorId,
    kind,
    person: `${kind}:${name}`,
  });
  const [ann, ben, bot] = [person('ann'), person('ben'), person('bot', 'agent')];
  const lease = () => new ControlLease({ epoch: 0 as Epoch, lastHolder: null });
  const typing = (now: number) => ({ force: false, now });

  test('whoever types first has it; each change of hands is a new epoch', () => {
    const control = lease();
    expect(control.take(ann, typing(0))).toEqual({ granted: true, epoch: 1, moved: true });
    expect(control.take(ann, typing(1))).toEqual({ granted: true, epoch: 1, moved: false });
    expect(control.take(ben, typing(2_500))).toEqual({ granted: true, epoch: 2, moved: true });
  });

  test('another human waits for 2 s of quiet, or takes over by force', () => {
    const control = lease();
    control.take(ann, typing(0));
    control.renew(1_000);
    expect(control.take(ben, typing(2_500))).toMatchObject({ granted: false, holder: ann, freeInMs: 500 });
    expect(control.take(ben, { force: true, now: 2_500 })).toMatchObject({ granted: true, epoch: 2 });
  });

  test('nobody waits for themselves on another device', () => {
    const control = lease();
    control.take(ann, typing(0));
    expect(control.take(person('ann', 'human', '-laptop'), typing(1))).toMatchObject({ granted: true });
  });

  test('a human takes it from an agent at once; an agent never from a human', () => {
    const control = lease();
    control.take(bot, typing(0));
    expect(control.take(ann, typing(1))).toMatchObject({ granted: true });
    expect(control.take(bot, { force: true, now: 60_000 })).toMatchObject({ granted: false, freeInMs: null });
  });

  test('after a broken link the last holder goes on, unless someone took it meanwhile or it was released', () => {
    const control = lease();
    control.take(ann, typing(0));
    expect(control.resume(ann, 1 as Epoch, 10)).toBe(true);
    expect(new ControlLease({ epoch: 1 as Epoch, lastHolder: ann.client }).resume(ann, 1 as Epoch, 10)).toBe(true);
    control.take(ben, { force: true, now: 20 });
    expect(control.resume(ann, 1 as Epoch, 30)).toBe(false);
    control.release(ben.client);
    expect(control.resume(ben, 2 as Epoch, 40)).toBe(false);
    expect(control.holder).toBeNull();
  });
});

describe('input gate', () => {
  const ann: Contender = { client: 'ann' as ClientId, actor: 'a' as ActorId, kind: 'human', person: 'ann' };
  const unit = (seq: number, epoch = 1, role: Role = 'operator') => ({
    client: ann.client,
    kind: ann.kind,
    role,
    epoch: epoch as Epoch,
    seq: seq as Seq,
  });
  const gate = () => {
    const control = new ControlLease({ epoch: 0 as Epoch, lastHolder: null });
    control.take(ann, { force: false, now: 0 });
    return { control, gate: new InputGate(control) };
  };

  test('the holder types in the current epoch, each unit once', () => {
    const { gate: judge } = gate();
    expect(judge.judge(unit(1))).toEqual({ is: 'next' });
    expect(judge.judge(unit(1))).toEqual({ is: 'next' }); // held by a policy, it is no duplicate yet
    judge.passed(unit(1));
    expect(judge.judge(unit(1))).toEqual({ is: 'duplicate' });
  });

  test('observers, others and older epochs are refused', () => {
    const { gate: judge, control } = gate();
    expect(judge.judge(unit(1, 1, 'observer'))).toEqual({ is: 'refused', reason: 'observer' });
    expect(judge.judge(unit(1, 0))).toEqual({ is: 'refused', reason: 'stale-epoch' });
    control.release(ann.client);
    expect(judge.judge(unit(1))).toEqual({ is: 'refused', reason: 'not-in-control' });
  });

  test('what the keeper has already is a repeat, also for a new host', () => {
    const control = new ControlLease({ epoch: 1 as Epoch, lastHolder: ann.client });
    control.resume(ann, 1 as Epoch, 0);
    expect(new InputGate(control, [[ann.client, 7 as Seq]]).judge(unit(7))).toEqual({ is: 'duplicate' });
  });
});

describe('send window', () => {
  test('a client is sent one window ahead of what it has parsed', () => {
    const window = new SendWindow(at(10));
    window.sent(WINDOW_BYTES);
    expect(window.credit).toBe(0);
    window.ack(at(10 + 1000));
    expect(window.credit).toBe(1000);
  });

  test('an acknowledgement of more than was sent, as of what a keeper has shown, counts for what is sent of it', () => {
    const window = new SendWindow(at(10));
    window.sent(5);
    window.ack(at(10 + 12));
    window.ack(at(1));
    expect(window.credit).toBe(WINDOW_BYTES);
    window.sent(7);
    expect(window.credit).toBe(WINDOW_BYTES);
    window.sent(7);
    expect(window.credit).toBe(WINDOW_BYTES - 7);
    window.ack(at(1_000));
    window.jump(at(500));
    window.sent(7);
    expect(window.credit).toBe(WINDOW_BYTES - 7);
  });
});
