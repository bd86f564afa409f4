/** Control in every mode, agents that are stopped, and whose window decides the size: pure rules. */
import { describe, expect, test } from 'vitest';
import { InputOutbox, type OutboxAction } from '#client/input-outbox.ts';
import type { ActorId, ClientId, Epoch, Seq } from '#protocol/ids.ts';
import type { ControlMode, Role, SizePolicy } from '#protocol/shapes.ts';
import { type Contender, ControlLease } from '#session/control-lease.ts';
import { SizeRule } from '#session/window-size.ts';

const person = (name: string, kind: 'human' | 'agent' = 'human'): Contender => ({
  client: name as ClientId,
  actor: name as ActorId,
  kind,
  person: `${kind}:${name}`,
});
const [ann, ben, bot, rob] = [person('ann'), person('ben'), person('bot', 'agent'), person('rob', 'agent')];
const lease = (mode: ControlMode, agentsPaused = false) => new ControlLease({ epoch: 0 as Epoch, lastHolder: null, mode, agentsPaused });
const typing = (now: number) => ({ force: false, now });
const byKey = (now: number) => ({ force: true, now });
const unit = ({ client, kind }: Contender, epoch: number) => ({ client, kind, epoch: epoch as Epoch });

describe('locked', () => {
  test('typing takes control from nobody, however quiet they are, and not where nobody has it', () => {
    const control = lease('locked');
    expect(control.take(ann, typing(0))).toEqual({ granted: false, why: 'locked' });
    control.take(ann, byKey(0));
    expect(control.take(ben, typing(3_600_000))).toMatchObject({ granted: false, why: 'held', freeInMs: null });
    expect(control.take(ben, byKey(1))).toMatchObject({ granted: true, epoch: 2 });
  });

  test('a human still takes it from an agent by typing', () => {
    const control = lease('locked');
    control.take(bot, byKey(0));
    expect(control.take(ann, typing(1))).toMatchObject({ granted: true });
  });
});

describe('open', () => {
  test('everybody types, nobody holds control, and nothing typed before it was open runs', () => {
    const control = lease('turns');
    control.take(ann, typing(0));
    control.setMode('open');
    expect(control.holder).toBeNull();
    expect(control.judge(unit(ann, 1))).toBe('stale-epoch');
    expect(control.judge(unit(ann, 2))).toBe('ok');
    expect(control.judge(unit(ben, 2))).toBe('ok');
    expect(control.judge(unit(bot, 2))).toBe('ok');
    expect(control.take(ben, typing(1))).toEqual({ granted: true, epoch: 2, moved: false });
  });

  test('nothing typed while it was open runs after it', () => {
    const control = lease('open');
    expect(control.judge(unit(ann, 0))).toBe('ok');
    control.setMode('turns');
    control.take(ben, typing(0));
    expect(control.judge(unit(ann, 0))).toBe('not-in-control');
    expect(control.judge(unit(ben, 0))).toBe('stale-epoch');
  });

  test('whoever may not type any more, and may again, does not run what was typed before', () => {
    const control = lease('open');
    control.fence(ben.client);
    expect(control.judge(unit(ben, 0))).toBe('stale-epoch');
    expect(control.judge(unit(ben, 1))).toBe('ok');
    expect(control.judge(unit(ann, 0))).toBe('ok');
  });
});

test('between turns and locked the holder stays, and types on', () => {
  const control = lease('turns');
  control.take(ann, typing(0));
  control.setMode('locked');
  expect(control.judge(unit(ann, 1))).toBe('ok');
});

describe('grant', () => {
  test('moves control to whom it is given, also to an agent, and fences what was typed before', () => {
    const control = lease('locked');
    control.take(ann, byKey(0));
    expect(control.grant(bot, 1)).toBe(true);
    expect(control.judge(unit(bot, 2))).toBe('ok');
    expect(control.judge(unit(ann, 1))).toBe('not-in-control');
  });

  test('gives nothing to an agent that is stopped', () => {
    const control = lease('turns', true);
    expect(control.grant(bot, 0)).toBe(false);
    expect(control.grant(ann, 0)).toBe(true);
  });
});

describe('agents that are stopped', () => {
  test('lose control at once, and nothing they typed before runs after they are resumed', () => {
    for (const mode of ['turns', 'locked', 'open'] as const) {
      const control = lease(mode);
      control.take(bot, byKey(0));
      const before = control.epoch;
      expect(control.pauseAgents()).toBe(true);
      expect(control.holder).toBeNull();
      expect(control.judge(unit(bot, before))).toBe('agents-paused');
      expect(control.take(bot, byKey(1))).toEqual({ granted: false, why: 'agents-paused' });
      control.resumeAgents();
      expect(control.judge(unit(bot, before))).not.toBe('ok');
    }
  });

  test('cost the human who types nothing', () => {
    for (const mode of ['turns', 'locked', 'open'] as const) {
      const control = lease(mode);
      control.take(ann, byKey(0));
      const before = control.epoch;
      control.pauseAgents();
      expect(control.judge(unit(ann, before))).toBe('ok');
    }
  });

  test('do not come back to the control that they had before the link broke', () => {
    const control = lease('turns');
    control.take(bot, typing(0));
    const before = control.epoch;
    control.pauseAgents();
    control.resumeAgents();
    expect(control.resume(bot, before, 1)).toBe(false);
    const afterCrash = new ControlLease({ epoch: 1 as Epoch, lastHolder: bot.client });
    afterCrash.pauseAgents();
    afterCrash.resumeAgents();
    expect(afterCrash.resume(bot, 1 as Epoch, 1)).toBe(false);
  });

  test('are stopped from the start where the host was told so before', () => {
    expect(lease('open', true).judge(unit(rob, 0))).toBe('agents-paused');
  });
});

describe('outbox', () => {
  const bytes = (length: number) => new Uint8Array(length);
  const sent = (actions: OutboxAction[]) => actions.filter((action) => action.do === 'send').length;
  const attached = (hasControl: boolean) => {
    const outbox = new InputOutbox();
    outbox.attached({ applied: 0 as Seq, refused: [], hasControl, epoch: 1 as Epoch });
    return outbox;
  };

  test('sends a part of a large paste and keeps the rest, which an interrupt drops', () => {
    const outbox = attached(true);
    let count = 0;
    for (let n = 0; n < 10; n++) count += sent(outbox.type(bytes(16 * 1024)));
    expect(count).toBe(4);
    expect(sent(outbox.applied(1 as Seq))).toBe(1);
    expect(outbox.drop('dropped', 'interrupted')).toHaveLength(5);
    expect(outbox.pendingUnits).toBe(4);
  });

  test('a unit larger than that is sent whole', () => {
    expect(sent(attached(true).type(bytes(200 * 1024)))).toBe(1);
  });

  test('control that was given is used at once, for what is typed from then on', () => {
    const outbox = attached(false);
    expect(outbox.type(bytes(1))).toEqual([{ do: 'take' }]);
    // Somebody else had it in between: what was typed before is not typed now.
    outbox.controlMoved({ epoch: 2 as Epoch, hasControl: false });
    const given = outbox.controlMoved({ epoch: 3 as Epoch, hasControl: true });
    expect(given).toMatchObject([{ do: 'settle', verdict: { reason: 'stale-epoch' } }]);
    expect(sent(outbox.type(bytes(1)))).toBe(1);
  });

  test('where everybody may type, the grant of our request runs nothing that was typed before', () => {
    const outbox = attached(false);
    outbox.type(bytes(1));
    outbox.controlMoved({ epoch: 2 as Epoch, hasControl: false });
    expect(outbox.granted(2 as Epoch, { isOpen: true })).toMatchObject([{ do: 'settle', verdict: { reason: 'stale-epoch' } }]);
  });
});

describe('window size', () => {
  const window = (name: string, order: number, role: Role = 'operator', cols = order * 10, rows = 24) => ({
    client: name as ClientId,
    role,
    order,
    size: { cols, rows },
  });
  const decide = (
    rule: SizeRule,
    windows: Parameters<SizeRule['decide']>[0]['windows'],
    { controller = null, policy = 'controller', now = 0 }: { controller?: string | null; policy?: SizePolicy; now?: number } = {},
  ) => rule.decide({ windows, controller: controller as ClientId | null, policy, now });

  test('the controller decides; without one, the operator who came, resized or had control last', () => {
    const windows = [window('ann', 1), window('ben', 2)];
    expect(decide(new SizeRule(), windows, { controller: 'ann' }).size?.cols).toBe(10);
    expect(decide(new SizeRule(), windows).size?.cols).toBe(20);
  });

  test('observers and clients without a window never decide', () => {
    const windows = [window('olga', 3, 'observer'), { client: 'cli' as ClientId, role: 'operator' as const, order: 4, size: undefined }];
    for (const policy of ['controller', 'largest', 'smallest'] as const) {
      expect(decide(new SizeRule(), windows, { policy }).size).toBeNull();
    }
  });

  test('largest and smallest look at width and height apart; a fixed size is that', () => {
    const windows = [window('ann', 1, 'operator', 200, 20), window('ben', 2, 'owner', 100, 50), window('olga', 3, 'observer', 300, 10)];
    expect(decide(new SizeRule(), windows, { policy: 'largest' }).size).toEqual({ cols: 200, rows: 50 });
    expect(decide(new SizeRule(), windows, { policy: 'smallest' }).size).toEqual({ cols: 100, rows: 20 });
    expect(decide(new SizeRule(), windows, { policy: { cols: 132, rows: 43 } }).size).toEqual({ cols: 132, rows: 43 });
  });

  test('two people who type in turn cost one change of size, not one a turn', () => {
    const rule = new SizeRule();
    const windows = [window('ann', 1), window('ben', 2)];
    const sizes: (number | undefined)[] = [];
    for (let turn = 0; turn < 20; turn++) {
      sizes.push(decide(rule, windows, { controller: turn % 2 === 0 ? 'ann' : 'ben', now: turn * 3_000 }).size?.cols);
    }
    expect(sizes.filter((cols, turn) => turn > 0 && cols !== sizes[turn - 1]).length).toBe(1);
  });

  test('whoever stays in control gets their window after ten seconds, and is told when to look', () => {
    const rule = new SizeRule();
    const windows = [window('ann', 1), window('ben', 2)];
    decide(rule, windows, { controller: 'ann' });
    decide(rule, windows, { controller: 'ben', now: 1_000 });
    expect(decide(rule, windows, { controller: 'ann', now: 2_000 })).toEqual({ size: { cols: 20, rows: 24 }, againInMs: 10_000 });
    expect(decide(rule, windows, { controller: 'ann', now: 12_000 }).size?.cols).toBe(10);
  });

  test('who decided and has left waits for nobody', () => {
    const rule = new SizeRule();
    decide(rule, [window('ann', 1), window('ben', 2)], { controller: 'ann' });
    decide(rule, [window('ann', 1), window('ben', 2)], { controller: 'ben', now: 1_000 });
    expect(decide(rule, [window('ann', 1)], { now: 2_000 }).size?.cols).toBe(10);
  });
});
