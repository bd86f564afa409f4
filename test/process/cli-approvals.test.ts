/** What a person says to agents on the command line: approvals listed, watched, given, edited, refused; questions; the policy. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { Approval } from '#protocol/approvals.ts';
import { newClientId } from '#protocol/ids.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let agent: CmdopClient;
let stream: SessionStream;
/** What the agent is told of its approvals. */
const told: Approval[] = [];
let look = () => {};

beforeAll(async () => {
  cmdop = await startCmdop();
  await cmdop.ok('new', 'work', '--detach');
  await cmdop.ok('run', 'work', '--', 'true'); // its shell is there
  const paths = localPaths({ ...cmdop.env });
  agent = new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'mcp', kind: 'agent', name: 'claude', build: 'test' },
    connect: () => connectToHost({ start: false, paths }),
    clock: systemClock,
    random: Math.random,
    watch: true,
    onEvent: (event) => {
      if (event.event === 'approval.changed') told.push(event.params.approval);
      look();
    },
  });
  const nothing = () => {};
  stream = agent.attach('work', {
    snapshot: (_text, _size, parsed) => parsed(),
    output: (_bytes, parsed) => parsed(),
    resized: nothing,
    gap: nothing,
    refused: nothing,
    changed: nothing,
    ended: nothing,
    failed: nothing,
  });
  const { id } = await waiting('join');
  await cmdop.ok('approve', String(id));
});
afterAll(async () => {
  agent.close();
  await cmdop.dispose();
});

function waiting(text: string): Promise<Approval> {
  return new Promise((resolve) => {
    look = () => {
      const found = told.find((each) => each.text === text && each.state === 'pending');
      if (!found) return;
      look = () => {};
      resolve(found);
    };
    look();
  });
}
const type = (text: string) => stream.type(new TextEncoder().encode(text));

test('what waits is shown with all that matters, approved, and counted', async () => {
  const verdict = type('echo one $HOME\r');
  const { id } = await waiting('echo one $HOME\r');
  const shown = await cmdop.ok('approvals');
  expect(shown).toContain(`${id}  claude wants to run in work, ${join(cmdop.home, 'work')}`);
  expect(shown).toContain('echo one $HOME‹Enter›');
  expect(shown).toContain('note: variables or substitution');
  expect(shown).not.toContain('\x1b');
  await cmdop.ok('approve', String(id));
  expect(await verdict).toMatchObject({ verdict: 'applied' });
  expect((await cmdop.run('approve', String(id))).stderr).toMatch(/already by tester/);
  const { askedToday } = await cmdop.json<{ askedToday: number }>('approvals', '--all');
  expect(askedToday).toBe(2);
});

test('it is edited, or refused with a reason', async () => {
  const edited = type('make deploy\r');
  await cmdop.ok('approve', String((await waiting('make deploy\r')).id), '--edit', 'echo make deploy');
  expect(await edited).toMatchObject({ verdict: 'applied' });
  const refused = type('make clean\r');
  await cmdop.ok('reject', String((await waiting('make clean\r')).id), '--reason', 'not today');
  expect(await refused).toMatchObject({ verdict: 'refused', message: 'not typed: tester said no: not today' });
});

test('a question is answered', async () => {
  const answered = agent.request('agent.ask', { session: 'work', question: 'Tabs or spaces?' });
  await cmdop.ok('answer', String((await waiting('Tabs or spaces?')).id), 'tabs');
  expect(await answered).toEqual({ answer: 'tabs' });
});

test('--watch tells what comes, one object a line', async () => {
  const watching = cmdop.terminal(['approvals', '--watch', '--json'], { cols: 4000 });
  const verdict = type('echo watched\r');
  await watching.until('"text":"echo watched\\r"');
  await cmdop.ok('reject', String((await waiting('echo watched\r')).id));
  await watching.until('"state":"rejected"');
  expect(await verdict).toMatchObject({ reason: 'rejected' });
});

test('the policy is shown, checked and replaced', async () => {
  expect(await cmdop.ok('policy', 'preset')).toContain('observe only:');
  const bad = join(cmdop.home, 'bad.json');
  writeFileSync(bad, '{\n  "rules": [{ "do": "allow", "command": "$(x)" }]\n}\n');
  expect(await cmdop.run('policy', 'check', bad)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${bad}:2:13: the command "$(x)" must be plain words`),
  });
  await cmdop.ok('policy', 'preset', 'observe only');
  expect(await type('echo x\r')).toMatchObject({ verdict: 'refused', reason: 'policy' });
  await cmdop.ok('policy', 'preset', 'trusted in this folder');
  expect(await type('echo trusted\r')).toMatchObject({ verdict: 'applied' });
  expect(await cmdop.ok('policy', 'show')).toContain(join(cmdop.home, 'work'));
});

test.each([
  [['approve', 'seven'], 2, 'no number of an approval'],
  [['approve', '999'], 1, 'no approval 999 waits'],
  [['approve', '1', '--session', '--rule'], 2, 'choose --session or --rule'],
  [['policy', 'preset', 'anarchy'], 2, 'is no preset'],
  [['policy', 'check', '/no/such/file'], 2, '/no/such/file cannot be read: there is no such file'],
])('%j exits with %i', async (args, code, message) => {
  expect(await cmdop.run(...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
