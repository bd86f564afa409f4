/** What an agent wants and no rule allows waits for a person: asked with all that matters, decided once, never run twice. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Approval } from '#protocol/approvals.ts';
import type { CmdopError } from '#protocol/errors.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

let engine: Engine;
let ann: Person;
let bot: Person;
let screen: Watched;
let typist: Watched;

beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
  ann = engine.person('ann');
  bot = engine.person('bot', { kind: 'agent' });
  await ann.client.request('session.create', { name: 'shell', cwd: engine.home });
  screen = ann.attach('shell', { role: 'observer' });
  typist = bot.attach('shell');
  await approve(await asked('join'));
  await typist.until(() => typist.stream.isAttached);
  await screen.until(/[#$] $/m);
});
afterEach(() => engine.dispose());

/** The approval that waits for exactly this text. */
async function asked(text: string): Promise<Approval> {
  // What was asked before this client watched, as after a restart of the host, it has to look up.
  const { approvals } = await ann.client.request('approval.list', { state: 'pending' });
  ann.approvals.push(...approvals);
  const isOver = (id: number) => ann.approvals.some((each) => each.id === id && each.state !== 'pending');
  const find = () => ann.approvals.findLast((each) => each.text === text && each.state === 'pending' && !isOver(each.id));
  await ann.until(() => find() !== undefined);
  return find() as Approval;
}
const approve = ({ id }: Approval, more: object = {}) => ann.client.request('approval.decide', { id, decision: 'approve', ...more });
const reject = ({ id }: Approval, reason?: string) =>
  ann.client.request('approval.decide', { id, decision: 'reject', ...(reason ? { reason } : {}) });

test('a command of an agent runs once it is approved, and the history knows by whom', async () => {
  await bot.client.request('agent.reason', { channel: typist.stream.channel as never, reason: 'to see what is here' });
  const verdict = typist.type('echo from-the-$USER-bot\r');
  const approval = await asked('echo from-the-$USER-bot\r');
  expect(approval).toMatchObject({
    kind: 'command',
    sessionName: 'shell',
    folder: engine.home,
    reason: 'to see what is here',
    rule: 'the default for agents',
    offer: null,
  });
  expect(approval.seen).toContain('variables or substitution');
  expect(approval.shown).toBe('echo from-the-$USER-bot‹Enter›');
  expect(screen.text()).not.toContain('from-the');
  await approve(approval);
  expect(await verdict).toMatchObject({ verdict: 'applied' });
  await screen.until(/^from-the-.*bot/m);
  const { events } = await ann.client.request('journal.list', { session: 'shell', kinds: ['approval', 'input'] });
  expect(events.map(({ payload }) => [payload.is ?? 'input', payload.id ?? payload.approval])).toEqual(
    expect.arrayContaining([
      ['asked', approval.id],
      ['approved', approval.id],
      ['input', approval.id],
    ]),
  );
});

test('a line typed key by key is asked as a whole, and reaches the shell in one piece', async () => {
  const verdicts = [...'echo one', '\r'].map((key) => typist.type(key));
  const approval = await asked('echo one\r');
  expect(screen.text()).not.toContain('echo');
  await approve(approval);
  expect((await Promise.all(verdicts)).map(({ verdict }) => verdict)).toEqual(verdicts.map(() => 'applied'));
  await screen.until(/^one$/m);
});

test('a rejection reaches the agent with its reason, and nothing runs', async () => {
  const verdict = typist.type('echo no\r');
  await reject(await asked('echo no\r'), 'use the staging machine');
  expect(await verdict).toMatchObject({
    verdict: 'refused',
    reason: 'rejected',
    message: 'not typed: ann said no: use the staging machine',
  });
  const next = typist.type('echo after\r');
  await approve(await asked('echo after\r'));
  expect(await next).toMatchObject({ verdict: 'applied' });
  await screen.until(/^after$/m);
  expect(screen.text()).not.toContain('echo no');
});

test('what is edited runs as edited', async () => {
  const verdict = typist.type('rm -rf build\r');
  const { approval } = await approve(await asked('rm -rf build\r'), { text: 'echo rm -rf build' });
  expect(approval).toMatchObject({ state: 'approved', edited: 'echo rm -rf build', decidedBy: { name: 'ann' } });
  expect(await verdict).toMatchObject({ verdict: 'applied' });
  await screen.until(/^rm -rf build$/m);
  await bot.until(() => bot.approvals.some(({ edited }) => edited === 'echo rm -rf build'));
});

test('approved for the session, the same line is not asked again; another is', async () => {
  void typist.type('echo again\r');
  await approve(await asked('echo again\r'), { scope: 'session' });
  await ann.until(() => ann.commands.some(({ endedAt }) => endedAt !== null));
  expect(await typist.type('echo again\r')).toMatchObject({ verdict: 'applied' });
  await ann.until(() => ann.commands.filter(({ endedAt }) => endedAt !== null).length === 2);
  void typist.type('echo other\r');
  await asked('echo other\r');
});

test('approved as a rule, it is in the policy file as it was shown', async () => {
  void typist.type('echo ruled\r');
  const approval = await asked('echo ruled\r');
  expect(JSON.parse(approval.offer ?? '')).toEqual({
    do: 'allow',
    actor: 'agent:bot',
    kind: ['command'],
    folder: engine.home,
    command: 'echo ruled',
  });
  await approve(approval, { scope: 'rule' });
  const { text } = await ann.client.request('policy.get', {});
  expect(text).toContain('"command": "echo ruled"');
  await ann.until(() => ann.commands.some(({ endedAt }) => endedAt !== null));
  expect(await typist.type('echo ruled\r')).toMatchObject({ verdict: 'applied' });
});

test('an approval is at the program at once', async () => {
  const took: number[] = [];
  for (let round = 0; round < 5; round++) {
    const verdict = typist.type(`echo round ${round}\r`);
    const approval = await asked(`echo round ${round}\r`);
    const from = performance.now();
    await approve(approval);
    expect(await verdict).toMatchObject({ verdict: 'applied' });
    took.push(performance.now() - from);
    await ann.until(() => ann.commands.filter(({ endedAt }) => endedAt !== null).length === round + 1);
  }
  took.sort((a, b) => a - b);
  console.log(`from the approval to the program: ${took.map((ms) => ms.toFixed(1)).join(', ')} ms`);
  expect(took[2]).toBeLessThan(50);
});

test('a policy that changes decides what waits', async () => {
  const verdict = typist.type('echo freed\r');
  await asked('echo freed\r');
  await ann.client.request('policy.set', { text: '{ "default": { "agents": "allow" } }' });
  expect(await verdict).toMatchObject({ verdict: 'applied' });
});

test('paused agents have nothing waiting', async () => {
  const verdict = typist.type('echo paused\r');
  const { id } = await asked('echo paused\r');
  await ann.client.request('agents.pause', {});
  expect(await verdict).toMatchObject({ verdict: 'refused', reason: 'agents-paused' });
  expect(ann.approvals.findLast((each) => each.id === id)).toMatchObject({ state: 'withdrawn' });
  await expect(bot.client.request('session.create', {})).rejects.toMatchObject({ code: 'agents-paused' });
});

/** The command is on record, and its program in front: a Ctrl-C before that is the shell's. */
async function runs(command: string): Promise<void> {
  await ann.until(() => ann.commands.some(({ text, endedAt }) => text === command && endedAt === null));
  const programs = async () => (await ann.client.request('processes.list', { session: 'shell' })).processes.map((each) => each.command);
  await expect.poll(programs).toContain(command);
}

test('an agent interrupts what it started, and not what a person did', async () => {
  const view = ann.attach('shell');
  await view.type('sleep 60\r');
  await runs('sleep 60');
  await view.stream.releaseControl();
  await expect(bot.client.request('input.interrupt', { channel: typist.stream.channel as never })).rejects.toMatchObject({
    code: 'policy',
  });
  await view.type('\x03');
  await view.stream.releaseControl();
  await ann.until(() => ann.commands.some(({ endedAt }) => endedAt !== null));
  void typist.type('sleep 61\r');
  await approve(await asked('sleep 61\r'));
  await runs('sleep 61');
  expect(await bot.client.request('input.interrupt', { channel: typist.stream.channel as never })).toMatchObject({ how: 'signal' });
  await ann.until(() => ann.commands.some(({ text, exitCode }) => text === 'sleep 61' && exitCode === 130));
});

test('a later unit waits behind one that is asked', async () => {
  const [first, second] = [typist.type('echo first\r'), typist.type('echo second\r')];
  let isSecondSettled = false;
  void second.then(() => {
    isSecondSettled = true;
  });
  await approve(await asked('echo first\r'));
  expect(await first).toMatchObject({ verdict: 'applied' });
  expect(isSecondSettled).toBe(false);
  // Where the first one takes its time, the second is asked for as its input, and anew at the prompt.
  for (let isDone = false; !isDone; ) {
    isDone = await approve(await asked('echo second\r')).then(
      () => true,
      (error: CmdopError) => error.code !== 'no-approval',
    );
  }
  await screen.until(/^first$/m);
  await screen.until(/^second$/m);
});

test('an approval does not run in another folder than the one it was asked for', async () => {
  const view = ann.attach('shell');
  const verdict = typist.type('rm -rf build\r');
  const approval = await asked('rm -rf build\r');
  await view.type('cd /\r'); // takes control from the agent, at once
  expect(await verdict).toMatchObject({ verdict: 'refused', reason: 'not-in-control' });
  await expect(approve(approval)).rejects.toMatchObject({ code: 'no-approval' });
  expect(ann.approvals.findLast(({ id }) => id === approval.id)).toMatchObject({ state: 'withdrawn' });
});

test('a host that crashes while a line waits asks again, and the line runs once', async () => {
  const verdict = typist.type('echo once-only >> ran\r');
  await asked('echo once-only >> ran\r');
  await engine.killHost();
  ann.approvals.length = 0;
  await engine.startHost();
  await approve(await asked('echo once-only >> ran\r'));
  expect(await verdict).toMatchObject({ verdict: 'applied' });
  const shown = typist.type('cat ran\r');
  await approve(await asked('cat ran\r'));
  await shown;
  await screen.until(/^once-only$/m);
  expect(screen.text().match(/^once-only$/gm)).toHaveLength(1);
});

test('silence is a no', async () => {
  engine.policy('{ "approvalMinutes": 0.02 }');
  await ann.until(() => true);
  const { problems } = await ann.client.request('policy.get', {});
  expect(problems).toEqual([]);
  await ann.client.request('policy.set', { text: '{ "approvalMinutes": 0.02 }' });
  expect(await typist.type('echo never\r')).toMatchObject({
    verdict: 'refused',
    reason: 'rejected',
    message: 'not typed: nobody approved it in time, so it was rejected',
  });
});

test('a question of an agent is answered by a person', async () => {
  const answered = bot.client.request('agent.ask', { session: 'shell', question: 'Which branch?', choices: ['main', 'next'] });
  const { id } = await asked('Which branch?');
  await expect(ann.client.request('approval.decide', { id, decision: 'approve', answer: 'other' })).rejects.toMatchObject({
    code: 'bad-request',
  });
  await ann.client.request('approval.decide', { id, decision: 'approve', answer: 'next' });
  expect(await answered).toEqual({ answer: 'next' });
});

test('keys in a full-screen program are asked as keys in that program', async () => {
  void typist.type('less /etc/passwd\r');
  await approve(await asked('less /etc/passwd\r'));
  await screen.until('root:');
  const verdict = typist.type('!');
  expect(await asked('!')).toMatchObject({ kind: 'keys', program: 'less /etc/passwd' });
  const { approvals } = await ann.client.request('approval.list', { state: 'pending' });
  await reject(approvals.at(-1) as Approval);
  expect(await verdict).toMatchObject({ reason: 'rejected' });
});

test('a mistake in the policy file is told with its place, and the last good one goes on', async () => {
  engine.policy('{\n  "default": { "agents": "allow" }\n}');
  await ann.until(() => true);
  await expect(ann.client.request('policy.set', { text: '{\n  "rules": [\n    { "do": "maybe" }\n  ]\n}' })).rejects.toThrow('3:7');
  await ann.client.request('policy.set', { text: '{ "default": { "agents": "allow" } }' });
  const warned = new Promise<void>((resolve) =>
    ann.until(() => ann.warnings.some((warning) => warning.includes('policy.json:1:'))).then(resolve),
  );
  engine.policy('{ "default": ');
  await warned;
  expect(await typist.type('echo allowed\r')).toMatchObject({ verdict: 'applied' });
});
