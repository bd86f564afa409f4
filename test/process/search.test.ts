/** `cmdop search` and the requests behind it: what is found, by whom, as it comes, and with what a script can rely on. */
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SearchInbox } from '#client/search-inbox.ts';
import type { SearchHit } from '#protocol/search.ts';
import { type Engine, openEngine } from './engine.ts';
import { startCmdop, type TestCmdop } from './start-cmdop.ts';

describe('cmdop search', () => {
  let cmdop: TestCmdop;
  beforeAll(async () => {
    cmdop = await startCmdop();
    for (const name of ['work', 'gone']) await cmdop.ok('new', name, '--detach');
    await cmdop.ok('run', 'gone', '--as', 'carl', '--', 'echo said before the end');
    await cmdop.ok('kill', 'gone');
    await cmdop.untilEnded('gone');
    await cmdop.ok('run', 'work', '--as', 'ann', '--', 'printf "\\033[31mconn\\033[0mection refused\\n"; seq -f "port %g" 1 20');
    await cmdop.ok('run', 'work', '--as', 'bob', '--', 'echo Connection CLOSED');
  });
  afterAll(() => cmdop.dispose());

  const lines = async (...args: string[]) => (await cmdop.ok('search', ...args)).trimEnd().split('\n');

  test('finds what was printed, through colours, newest first, with who ran it', async () => {
    expect(await lines('--output', '-i', 'connection ')).toEqual([
      expect.stringMatching(/^\S+ {2}work {2}bob {2}Connection CLOSED$/),
      expect.stringMatching(/work {2}\S*\$ echo Connection CLOSED$/),
      expect.stringMatching(/^\S+ {2}work {2}ann {2}connection refused$/),
    ]);
  });

  test('finds command lines, also of sessions that ended and were taken off the list', async () => {
    expect(await lines('--commands', 'echo')).toEqual([
      expect.stringMatching(/work {2}bob {2}\$ echo Connection CLOSED$/),
      expect.stringMatching(/gone {2}carl {2}\$ echo said before the end$/),
    ]);
    expect(await lines('--output', 'said before', '--session', 'gone')).toHaveLength(2); // typed and printed
    await cmdop.ok('kill', 'gone');
    expect(await lines('said before')).toEqual([expect.stringMatching(/gone {2}carl {2}\$ echo said before the end$/)]);
  });

  test('an expression is one of RE2, and the newest are shown', async () => {
    expect(await lines('--output', '-e', '^port 1[0-9]$', '-n', '2')).toEqual([
      expect.stringMatching(/port 19$/),
      expect.stringMatching(/port 18$/),
    ]);
  });

  test('is JSON, one object a line, each with its place', async () => {
    const [hit] = (await lines('port 7', '--output', '--json')).map((line): SearchHit & { kind: string } => JSON.parse(line));
    expect(hit).toMatchObject({ kind: 'output', sessionName: 'work', text: 'port 7', ranges: [[0, 6]] });
    expect(hit?.command?.submitter?.name).toBe('ann');
    expect(Date.now() - (hit?.at ?? 0)).toBeLessThan(60_000);
    const blamed = await cmdop.json<{ command: { id: number } }>('blame', 'work', '--offset', String(hit?.offset));
    expect(blamed.command.id).toBe(hit?.command?.id);
  });

  test('exits as grep does: 1 where nothing is found, 2 where it cannot be looked for, and says why', async () => {
    expect(await cmdop.run('search', 'never said')).toEqual({ code: 1, stdout: '', stderr: '' });
    expect(await cmdop.run('search', '-e', '(')).toMatchObject({ code: 2, stderr: expect.stringContaining('no regular expression') });
    expect(await cmdop.run('search', 'x', '--limit', 'many')).toMatchObject({ code: 2 });
    expect(await cmdop.run('search', 'x', '--session', 'nowhere')).toMatchObject({ code: 4 });
    expect(await cmdop.run('search', 'x', '--since', '2999-01-01')).toMatchObject({ code: 1 });
  });
});

describe('a search over the wire', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = openEngine();
    writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
    engine.policy(
      '{ "default": { "agents": "allow" }, "rules": [{ "do": "deny", "kind": ["action"], "session": "private", "command": "join" }] }',
    );
    await engine.startHost();
  });
  afterAll(() => engine.dispose());

  test('tells hits with its progress, ends, and is cancelled at once', async () => {
    const { client, inbox } = searcher('ann');
    await client.request('session.create', { name: 'flood', command: ['sh', '-c', 'seq 1 900000; echo the end'] });
    await expect.poll(async () => (await client.request('session.list', {})).sessions[0]?.state, { timeout: 20_000 }).toBe('ended');
    const whole = await search(client, inbox, { text: '77777', limit: 10_000 });
    expect(whole.hits.length).toBe(new Set(whole.hits.map(({ offset }) => offset)).size);
    expect(whole.hits.map(({ text }) => text)).toEqual(numbersWith('77777').reverse());
    expect(whole.ended).toEqual({ reason: 'complete', message: null });
    expect(whole.progress).toMatchObject({ readBytes: whole.progress?.totalBytes });
    const found: SearchHit[] = [];
    const running = await inbox.start(client, { text: '1' }, { found: (hits) => found.push(...hits), ended: () => found.push() });
    running.cancel();
    await client.request('ping', {});
    const before = found.length;
    await client.request('ping', {});
    expect(found.length).toBe(before);
  });

  test('a client that asks for more at once than is good for others is told so', async () => {
    const { client, inbox } = searcher('greedy');
    const never = { found: () => {}, ended: () => {} };
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => inbox.start(client, { text: 'nothing of it' }, never)));
    const refused = asked.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { code: 'busy', message: expect.stringContaining('cancel one, or wait') } });
  });

  test('who was removed from a session finds nothing of it', async () => {
    const ann = searcher('ann');
    await ann.client.request('session.create', { name: 'ours', command: ['sh', '-c', 'echo a word among us; exec sleep 60'] });
    const ben = searcher('ben');
    const stream = engine.person('ben').attach('ours');
    await stream.until('among us');
    expect((await search(ben.client, ben.inbox, { text: 'word among' })).hits).toHaveLength(1);
    await ann.client.request('session.kick', { session: 'ours', actor: 'ben' });
    expect((await search(ben.client, ben.inbox, { text: 'word among' })).hits).toEqual([]);
    expect((await search(ann.client, ann.inbox, { text: 'word among' })).hits).toHaveLength(1);
  });

  test('an agent finds in what it may read, and is refused where it names the rest', async () => {
    const ann = searcher('ann');
    for (const name of ['private', 'public']) {
      await ann.client.request('session.create', { name, command: ['sh', '-c', `echo the plan is ${name}; exec sleep 60`] });
      await engine.person('reader').attach(name).until('the plan is');
    }
    const bot = searcher('bot', 'agent');
    const found = await search(bot.client, bot.inbox, { text: 'the plan is' });
    expect(found.hits.map(({ sessionName }) => sessionName)).toEqual(['public']);
    expect((await search(ann.client, ann.inbox, { text: 'the plan is' })).hits).toHaveLength(2);
    await expect(bot.client.request('search.output', { text: 'plan', session: 'private' })).rejects.toMatchObject({ code: 'policy' });
    await expect(bot.client.request('search.commands', { text: 'plan', session: 'private' })).rejects.toMatchObject({ code: 'policy' });
    await expect(bot.client.request('output.timeline', { session: 'private', from: 0 as never })).rejects.toMatchObject({ code: 'policy' });
    await expect(bot.client.request('replay.screen', { session: 'private', offset: 0 as never })).rejects.toMatchObject({ code: 'policy' });
  });

  test('complete output has sketches by itself; a damaged one is named by `verify`, costs no hit, and is made again', async () => {
    const { client, inbox } = searcher('ann');
    const { sessions } = await client.request('session.list', {});
    const folder = join(engine.home, 'state', 'sessions', sessions.find(({ name }) => name === 'flood')?.id ?? '');
    const files = (kind: string) => readdirSync(folder).filter((name) => name.startsWith(kind) && !name.endsWith('.new'));
    await expect.poll(() => files('sketch-').length, { timeout: 20_000 }).toBe(files('output-').length);
    const oldest = join(folder, files('sketch-')[0] ?? '');
    truncateSync(oldest, 100);
    expect((await client.request('journal.verify', {})).damaged).toMatchObject([{ file: expect.stringContaining('sketch-') }]);
    expect((await search(client, inbox, { text: '4321', session: 'flood', limit: 10_000 })).hits).toHaveLength(numbersWith('4321').length);
    await expect.poll(() => statSync(oldest).size, { timeout: 20_000 }).toBeGreaterThan(200);
    expect((await client.request('journal.verify', {})).damaged).toEqual([]);
  });

  function searcher(name: string, kind: 'human' | 'agent' = 'human') {
    const inbox = new SearchInbox();
    const person = engine.person(name, { kind });
    person.hearers.push((event) => inbox.event(event));
    return { client: person.client, inbox };
  }
});

type Searcher = { client: Parameters<SearchInbox['start']>[0]; inbox: SearchInbox };

function search(client: Searcher['client'], inbox: SearchInbox, sought: Parameters<SearchInbox['start']>[1]) {
  type Progress = { readBytes: number; totalBytes: number };
  return new Promise<{ hits: SearchHit[]; progress: Progress | null; ended: { reason: string; message: string | null } }>(
    (resolve, reject) => {
      const hits: SearchHit[] = [];
      let progress: Progress | null = null;
      inbox
        .start(client, sought, {
          found: (found) => hits.push(...found),
          progress: ({ readBytes, totalBytes }) => {
            progress = { readBytes, totalBytes };
          },
          ended: ({ reason, message }) => resolve({ hits, progress, ended: { reason, message } }),
        })
        .catch(reject);
    },
  );
}

const numbersWith = (text: string) => Array.from({ length: 900_000 }, (_, at) => String(at + 1)).filter((number) => number.includes(text));
