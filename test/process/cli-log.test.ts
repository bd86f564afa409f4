/** `cmdop log` and `cmdop verify`: who did what, once or as it happens, as a script would call them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

let cmdop: TestCmdop;
beforeAll(async () => {
  cmdop = await startCmdop();
  await cmdop.ok('new', 'work', '--detach');
});
afterAll(() => cmdop.dispose());

describe('log', () => {
  test('has every command with who typed it, and finds by actor, failure and time', async () => {
    await cmdop.ok('run', 'work', '--as', 'ann', '--', 'echo by-ann');
    await cmdop.run('run', 'work', '--as', 'ann', '--', 'false by-ann');
    await cmdop.ok('run', 'work', '--as', 'bob', '--', 'echo by-bob');
    const texts = async (...args: string[]) => (await cmdop.json<CommandRecord[]>('log', 'work', ...args)).map(({ text }) => text);
    expect(await texts('--actor', 'ann')).toEqual(['echo by-ann', 'false by-ann']);
    expect(await texts('--actor', 'ann', '--failed')).toEqual(['false by-ann']);
    expect((await texts('--since', '1h')).at(-1)).toBe('echo by-bob');
    expect(await texts('--since', '2999-01-01')).toEqual([]);
    expect((await cmdop.run('log', '--since', 'whenever')).code).toBe(2);
  });

  test('--follow prints each command as it ends, one object a line', async () => {
    const { PATH = '' } = cmdop.env;
    const follow = spawn('cmdop', ['log', 'work', '--follow', '--json', '--limit', '1'], { env: { ...cmdop.env, PATH } });
    let output = '';
    const seen = new Promise<void>((resolve) => {
      follow.stdout.on('data', (bytes: Buffer) => {
        output += bytes.toString();
        if (output.includes('followed-2')) resolve();
      });
    });
    await cmdop.ok('run', 'work', '--', 'echo followed-1');
    await cmdop.ok('run', 'work', '--', 'echo followed-2');
    await seen;
    follow.kill();
    await once(follow, 'close');
    const texts = output
      .trimEnd()
      .split('\n')
      .map((line): CommandRecord => JSON.parse(line));
    expect(texts.slice(-2).map(({ text }) => text)).toEqual(['echo followed-1', 'echo followed-2']);
  });

  test('--events --follow prints every record once, in order, across the crash of a host', async () => {
    const follow = spawn('cmdop', ['log', '--events', '--follow', '--json', '--limit', '1'], { env: cmdop.env });
    const events: JournalEvent[] = [];
    const lines = createInterface(follow.stdout)[Symbol.asyncIterator]();
    const until = async (fits: (event: JournalEvent) => boolean) => {
      for (;;) {
        const event: JournalEvent = JSON.parse((await lines.next()).value ?? 'null');
        events.push(event);
        if (fits(event)) return;
      }
    };
    const ran = (text: string) => (event: JournalEvent) => event.kind === 'command' && event.payload.text === text;
    await until(() => true);
    await cmdop.ok('run', 'work', '--', 'echo before');
    await until(ran('echo before'));
    process.kill(await cmdop.hostPid(), 'SIGKILL');
    await cmdop.ok('run', 'work', '--', 'echo after');
    await until(ran('echo after'));
    follow.kill();
    await once(follow, 'close');
    const first = events[0]?.seq ?? 0;
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, n) => first + n));
  });

  test('--events --follow of one actor leaves out the others', async () => {
    const follow = spawn('cmdop', ['log', 'work', '--events', '--follow', '--json', '--actor', 'eve'], { env: cmdop.env });
    const lines = createInterface(follow.stdout)[Symbol.asyncIterator]();
    await cmdop.ok('run', 'work', '--as', 'bob', '--', 'echo not-hers');
    await cmdop.ok('run', 'work', '--as', 'eve', '--', 'echo hers');
    const names = new Set<string | null>();
    for (let kind = ''; kind !== 'input'; ) {
      const event: JournalEvent = JSON.parse((await lines.next()).value ?? 'null');
      names.add(event.actorName);
      kind = event.kind;
    }
    follow.kill();
    expect([...names]).toEqual(['eve']);
  });

  test('a reader that has enough ends it quietly', async () => {
    const child = spawn('/bin/bash', ['-o', 'pipefail', '-c', 'cmdop log --events --follow | head -n 1'], { env: cmdop.env });
    let errors = '';
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    const closed = once(child, 'close');
    // A pipe tells that nobody reads it at the next write.
    while (child.exitCode === null) await cmdop.ok('run', 'work', '--', 'true');
    const [code] = await closed;
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
  });
});

test('the journal is whole', async () => {
  expect(await cmdop.json('verify')).toMatchObject({ ok: true, broken: null, damaged: [] });
  expect(await cmdop.ok('verify')).toMatch(/^the journal is whole: \d+ records/);
});

test('the history of a session that is off the list is found by its name', async () => {
  await cmdop.ok('new', 'bygone', '--detach');
  await cmdop.ok('run', 'bygone', '--', 'echo remembered');
  await cmdop.ok('kill', 'bygone');
  await cmdop.untilEnded('bygone');
  await cmdop.ok('kill', 'bygone');
  expect(await cmdop.json<CommandRecord[]>('log', 'bygone')).toMatchObject([{ text: 'echo remembered', sessionName: 'bygone' }]);
});
