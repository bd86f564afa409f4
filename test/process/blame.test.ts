/** Who made this: from an offset, a line of the screen and a text to the command and its people; and what an agent may not do. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodePath } from '#local/runtime.ts';
import { type Engine, openEngine, type Person, type Watched } from './engine.ts';

const ENTER = '\r';
let engine: Engine;
let ann: Person;
let seen: Watched;

/** Nothing stands behind the last prompt. */
const isAtPrompt = () => seen.text().trimEnd().endsWith('$');

beforeAll(async () => {
  engine = openEngine();
  writeFileSync(join(engine.home, '.bash_profile'), "PS1='$ '\n");
  await engine.startHost();
  ann = engine.person('ann');
  await ann.client.request('session.create', { name: 'work', cwd: engine.home });
  seen = ann.attach('work', { size: { cols: 80, rows: 24 } });
  for (const [at, line] of ['seq -f line-%g 1 3', 'printf "\\033[31mre\\033[1md\\033[m\\n"; seq -f more-%g 1 40', 'false'].entries()) {
    await seen.until(isAtPrompt);
    await seen.type(`${line}${ENTER}`);
    await ann.until(() => ann.commands.filter(({ endedAt }) => endedAt !== null).length === at + 1);
  }
  await seen.until(isAtPrompt);
});
afterAll(() => engine.dispose());

const at = (place: { offset: number } | { line: number } | { text: string }) =>
  ann.client.request('history.at', { session: 'work', at: place as { line: number } });

describe('who made this', () => {
  test('a text leads to the command that printed it, its author and how they came', async () => {
    const { command, authentication, journalSeq } = await at({ text: 'line-2' });
    expect(command?.text).toBe('seq -f line-%g 1 3');
    expect(command?.submitter?.name).toBe('ann');
    expect(authentication).toBe('opened the socket that only this account can open');
    expect(journalSeq).toBeGreaterThan(0);
  });

  test('a text is found as it is shown, whatever colours are inside', async () => {
    expect((await at({ text: 'red' })).command?.text).toMatch(/^printf/);
  });

  test('the line at a prompt belongs to the command typed there', async () => {
    expect((await at({ text: '$ false' })).command?.text).toBe('false');
  });

  test('every line of the screen and above has its command', async () => {
    const { lines } = await ann.client.request('session.screen', { session: 'work' });
    for (const [line, text] of lines.entries()) {
      if (text === '' || text === '$ ') continue; // the prompt, with the cursor behind its blank
      const { command } = await at({ line });
      expect([text, command?.text]).toEqual([text, text.endsWith('false') ? 'false' : expect.stringMatching(/^printf/)]);
    }
    expect((await at({ line: lines.lastIndexOf('$ ') })).command).toBe(null);
    expect((await at({ line: -24 })).command?.text).toBe('seq -f line-%g 1 3');
  });

  test('an offset of output leads to its command', async () => {
    const { offset } = await at({ text: 'more-7' });
    expect((await at({ offset })).command?.text).toMatch(/^printf/);
  });

  test('what was never said is told with how far it was looked for', async () => {
    await expect(at({ text: 'no such thing' })).rejects.toThrow(/"no such thing" is not in the last \d+ KiB of work/);
  });
});

test('on the command line: who, when and where, for people and as JSON', async () => {
  const said = await cmdop('blame', 'work', '--text', 'line-2');
  expect(said).toMatch(/command +seq -f line-%g 1 3\nsubmitted +ann \(human, cli\)\n/);
  expect(JSON.parse(await cmdop('blame', 'work', '--line', '1', '--json'))).toMatchObject({ command: { text: expect.any(String) } });
  expect(await cmdop('blame', 'work')).toMatch(/one of --line N, --text TEXT, --offset N/);
});

test('what an agent’s client must be told is printed for each, with where cmdop keeps its state', async () => {
  const config = JSON.parse(await cmdop('mcp', '--print-config', 'cursor'));
  expect(config.mcpServers.cmdop).toMatchObject({ args: expect.arrayContaining(['mcp']), env: { CMDOP_HOME: engine.home } });
  expect(await cmdop('mcp', '--print-config', 'codex')).toMatch(/^\[mcp_servers\.cmdop\]\ncommand = ".+"\nargs = \[.*"mcp"\]\n/);
  expect(await cmdop('mcp', '--print-config', 'vim')).toMatch(/"vim" is no client that is known here: claude, /);
});

/** What `cmdop …` prints, or why it fails. */
async function cmdop(...args: string[]): Promise<string> {
  const child = promisify(execFile)(nodePath(), [resolve('dist/cli.mjs'), ...args], { env: engine.env });
  return child.then(
    ({ stdout }) => stdout,
    ({ stderr }: { stderr: string }) => stderr,
  );
}
