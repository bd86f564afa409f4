/** However many agents ask, and whatever they write, what waits for people and what was decided stays bounded. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Approval } from '#protocol/approvals.ts';
import type { SessionId } from '#protocol/ids.ts';
import type { Actor } from '#protocol/shapes.ts';
import { Approvals, type Ask, type Outcome } from '../../main/host/agents/approvals.ts';
import type { PolicyFile } from '../../main/host/agents/policy-file.ts';
import { IN_MEMORY, Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';

let journal: Journal;
let approvals: Approvals;
let told: Approval[];
beforeEach(() => {
  journal = new Journal({ file: IN_MEMORY, wallNow: () => 1_700_000_000_000 });
  told = [];
  approvals = new Approvals({
    journal,
    records: new Records({ journal, randomBytes: (count) => new Uint8Array(count) }),
    policy: { rules: { policy: { approvalMs: 60_000 } } } as unknown as PolicyFile,
    wallNow: () => 1_700_000_000_000,
    changed: (approval) => told.push(approval),
  });
});
afterEach(() => {
  approvals.dispose();
  journal.dispose();
});

/** Resolves with what became of it; never for one that waits. */
function ask(name: string, text = 'make\r'): Promise<Outcome> {
  return new Promise((settled) => {
    approvals.ask({
      session: { id: 's' as SessionId, name: 'demo' },
      actor: { id: name, name, kind: 'agent', interface: 'mcp', color: 0 } as unknown as Actor,
      kind: 'command',
      text,
      folder: '/src',
      program: null,
      reason: null,
      seen: [],
      rule: null,
      subject: null,
      offer: null,
      grant: null,
      isEditable: true,
      change: () => null,
      settled,
    } satisfies Ask);
  });
}
const waiting = () => approvals.list({ state: 'pending' });

test('an agent has 200 waiting: the next is refused in a sentence, unseen by people', async () => {
  for (let n = 0; n < 200; n++) void ask('bot');
  expect(await ask('bot')).toMatchObject({
    is: 'withdrawn',
    message: 'not typed: bot has 200 approvals waiting already: wait until people have decided some',
  });
  expect(waiting()).toHaveLength(200);
  expect(told).toHaveLength(200);
});

test('all agents together have 1 000 waiting, and a decision makes room', async () => {
  for (let n = 0; n < 1_000; n++) void ask(`bot-${n % 10}`);
  expect(await ask('late')).toMatchObject({
    is: 'withdrawn',
    message: 'not typed: 1000 approvals of all agents are waiting already: wait until people have decided some',
  });
  const [first] = waiting();
  approvals.withdraw(first?.id ?? 0, 'its sender took it back');
  void ask('late');
  expect(waiting().at(-1)?.actor.name).toBe('late');
});

test('neither what waits nor what was decided grows with the size of what is asked', async () => {
  const long = '\u202e'.repeat(8_000); // shown, it is eight times as long
  for (let n = 0; n < 500; n++) void ask(`bot-${n}`, long);
  const length = JSON.stringify(waiting()).length;
  expect(waiting().length).toBeLessThan(200);
  expect(length).toBeLessThan(10_000_000);
  approvals.withdrawAll('agents are paused');
  expect(waiting()).toEqual([]);
  expect(JSON.stringify(approvals.list({})).length).toBeLessThan(5_000_000);
  void ask('bot');
  expect(waiting()).toHaveLength(1);
});
