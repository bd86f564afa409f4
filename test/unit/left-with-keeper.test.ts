/** What a host leaves with a keeper: never more than that can tell, whatever people have made of the session. */
import { expect, test } from 'vitest';
import { keeperMeta, keeperNote } from '../../main/host/keepers/left-with-keeper.ts';
import { MAX_META_BYTES, MAX_NOTE_BYTES } from '../../main/keeper/wire-messages.ts';

const roles = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ person: `guest:${n}`.padEnd(40, '\x01'), role: 'observer' as const, isKicked: false }));
const access = (people: number) => ({
  controlMode: 'turns' as const,
  agentsPaused: false,
  sizePolicy: 'controller' as const,
  roles: roles(people),
});
const memory = { count: 1, number: 1, atPrompt: true, promptAt: 5 as never, cwd: '/', open: null, drafted: [] };
const note = (people: number) => ({
  commands: { memory, openId: null },
  epoch: 7 as never,
  lastHolder: 'client' as never,
  access: access(people),
});
const session = (command: string[], people: number) => ({
  ...{ id: 's' as never, name: '"'.repeat(64), command, cwd: '\x01'.repeat(4096), title: '', size: { cols: 80, rows: 24 } },
  ...{ createdAt: 1, endedAt: null, end: null, bootId: 'boot', access: access(people) },
});

test('a note is whole while it can be, and else without what the journal has as well', () => {
  expect(JSON.parse(Buffer.from(keeperNote(note(50))).toString())).toEqual(note(50));
  const { access: _, ...short } = note(0);
  const much = keeperNote(note(2_000));
  expect(much.length).toBeLessThan(MAX_NOTE_BYTES);
  expect(JSON.parse(Buffer.from(much).toString())).toEqual(short);
});

test('of a session a keeper is told all that it can tell, of a command of a megabyte the beginning', () => {
  const usual = session(['sh', '-c', 'x'.repeat(10_000)], 10);
  expect(keeperMeta(usual, 'nonce')).toEqual({ stored: usual, nonce: 'nonce' });
  const much = keeperMeta(session(['sh', ...Array.from({ length: 8 }, () => '\x01'.repeat(120_000))], 2_000), 'nonce');
  expect(Buffer.byteLength(JSON.stringify(much))).toBeLessThan(MAX_META_BYTES);
  expect([much.stored.command[0], much.stored.command.at(-1), much.stored.access]).toEqual(['sh', '…', undefined]);
});
