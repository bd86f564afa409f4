/** A password that is typed without an echo is stored nowhere: not in state, sockets' folder, logs, history or what others see. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Engine, openEngine } from './engine.ts';

const SECRET = 'hunter2-Tr0ub4dor';

let engine: Engine;
beforeEach(async () => {
  engine = openEngine();
  await engine.startHost();
});
afterEach(() => engine.dispose());

/** Files below the home that hold the secret, in any byte of them. */
function filesWithSecret(): string[] {
  const entries = readdirSync(engine.home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).filter((file) => readFileSync(file).includes(SECRET));
}

/** What is asked, by which shell, and what shows that the program has the answer. */
const ASKING: Record<string, { command?: string[]; ask: string; prompt: string }> = {
  'read -s in bash': { ask: `read -rsp "Password: " p; echo "got $(printf %s "$p" | wc -c)"`, prompt: 'Password: ' },
  'read with the echo off in sh': {
    command: ['/bin/sh', '-i'],
    ask: `printf Password:; stty -echo; read p; stty echo; echo; echo "got $(printf %s "$p" | wc -c)"`,
    prompt: 'Password:',
  },
  'getpass, as passwd and su have it': {
    ask: `python3 -c 'import getpass; print("got", len(getpass.getpass("Password: ")))'`,
    prompt: 'Password: ',
  },
};

const available = Object.entries(ASKING).filter(
  ([, { ask }]) => !ask.startsWith('python3') || spawnSync('python3', ['--version']).status === 0,
);

test.each(available)('%s', async (_, { command, ask, prompt }) => {
  const [ann, ben] = [engine.person('ann'), engine.person('ben')];
  await ann.client.request('session.create', { name: 'shell', cwd: '/', ...(command ? { command } : {}) });
  const [view, observer] = [ann.attach('shell'), ben.attach('shell', { role: 'observer' })];
  await view.until('# ');
  await view.type(`${ask}\r`);
  const asked = () => Buffer.concat(view.received.bytes).toString();
  // At the start of a line, or after the shell's mark: not in the echo of the command.
  await view.until(() => new RegExp(`[\\r\\n\\x07]${prompt}`).test(asked()));
  for (const key of SECRET) await view.type(key);
  await view.type('\r');
  await view.until(`got ${SECRET.length}`);
  await view.type('echo after\r');
  await observer.until('\nafter');
  expect(observer.text() + Buffer.concat(observer.received.bytes).toString()).not.toContain(SECRET);
  const { commands } = await ann.client.request('history.list', { session: 'shell' });
  const { events } = await ann.client.request('journal.list', { session: 'shell', after: 0, limit: 500 });
  expect(JSON.stringify([commands, events, ann.commands])).not.toContain(SECRET);
  await ann.client.request('output.read', { session: 'shell', from: 0 as never }); // waits until all is stored
  await engine.killHost();
  await engine.startHost(); // which reads what the keeper remembers
  await ann.client.request('session.screen', { session: 'shell' });
  expect(filesWithSecret()).toEqual([]);
});
