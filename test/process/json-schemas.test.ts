/** What commands really print with `--json` is what `cmdop schema` says. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
let schemas: Record<string, object> = {};
beforeAll(async () => {
  cmdop = await startCmdop({ actor: 'ann' });
  schemas = JSON.parse(await cmdop.ok('schema', '--all'));
  mkdirSync(join(cmdop.home, 'work', 'sub'));
  writeFileSync(join(cmdop.home, 'work', 'file'), 'text');
  await cmdop.ok('new', 'work', '--detach');
  await cmdop.ok('run', 'work', '--', 'echo needle');
  await cmdop.run('run', 'work', '--', 'false');
  await cmdop.ok('new', 'ended', '--detach', '--', 'true');
  await cmdop.untilEnded('ended');
});
afterAll(() => cmdop.dispose());

/** Null where it fits. */
function complaint(name: string, printed: unknown): string | null {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  return ajv.validate(schemas[name] ?? { not: {} }, printed) ? null : ajv.errorsText();
}

test.each([
  ['ls', ['ls']],
  ['inspect', ['inspect', 'work']],
  ['screen', ['screen', 'work']],
  ['who', ['who', 'work']],
  ['log', ['log']],
  ['log --events', ['log', '--events']],
  ['blame', ['blame', 'work', '--text', 'needle']],
  ['verify', ['verify']],
  ['ports', ['ports', 'work']],
  ['ps', ['ps', 'work']],
  ['files', ['files', 'work']],
  ['checkpoint', ['checkpoint', 'work', '-m', 'now']],
  ['checkpoints', ['checkpoints', 'work']],
  ['diff', ['diff', 'work']],
  ['report', ['report', 'work']],
  ['point', ['point', 'work', '--lines', '1']],
  ['control', ['control']],
  ['approvals', ['approvals', '--all']],
  ['share', ['share', 'work', '--with', 'ben']],
  ['invites', ['invites']],
  ['retention', ['retention', '--age', '1ms']],
  ['prune', ['prune', '--dry-run']],
  ['policy show', ['policy', 'show']],
  ['host status', ['host', 'status']],
  ['hosts', ['hosts']],
  ['host stop', ['host', 'stop']],
  ['host start', ['host', 'start']],
])('cmdop %s', async (name, args) => {
  const printed: unknown = await cmdop.json(...args);
  expect(complaint(name, printed)).toBeNull();
  // And the schema says something: what another command prints does not fit.
  expect(complaint(name, name === 'verify' ? [] : { ok: true })).not.toBeNull();
});

test('cmdop search, line by line', async () => {
  const lines = (await cmdop.ok('search', 'needle', '--json')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).kind).sort()).toEqual(['command', 'output', 'output']);
  for (const line of lines) expect(complaint('search', JSON.parse(line))).toBeNull();
});

test('a command without a schema is named, with where to look', async () => {
  expect(await cmdop.run('schema', 'attach')).toMatchObject({ code: 2, stderr: expect.stringContaining('`cmdop schema` lists what does') });
  expect(await cmdop.ok('schema')).toMatch(/^ls +The sessions of a host\.$/m);
  expect(JSON.parse(await cmdop.ok('schema', 'host', 'status'))).toMatchObject({ title: 'cmdop host status' });
});
