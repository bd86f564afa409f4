/** What a command line is taken for, and what the policy says to it. */
import { describe, expect, test } from 'vitest';
import { coveringRule, DEFAULT_POLICY, offeredRule, type Policy, PolicyRules, type Subject } from '#session/policy.ts';
import { PRESETS, trustedFolder } from '#session/policy-presets.ts';
import { readShellLine } from '#session/shell-line.ts';
import { shownText } from '#session/shown-text.ts';
import { parsePolicy } from '../../main/host/agents/policy-file.ts';

const HOME = '/home/ann';
const PLACES = ['/home/ann/.local/state/cmdop', '/home/ann/.config/cmdop', '/run/user/1000/cmdop'];

function line(text: string, more: Partial<Subject> = {}): Subject {
  return {
    actor: { name: 'bot', isAgent: true },
    session: { id: 'abc', name: 'demo' },
    folder: '/src/app',
    kind: 'command',
    text,
    program: null,
    home: HOME,
    protected: { places: PLACES },
    ...more,
  };
}
const policy = (rules: Policy['rules'], more: Partial<Policy> = {}) => new PolicyRules({ ...DEFAULT_POLICY, rules, ...more }, HOME);
const verdictOf = (rules: PolicyRules, text: string, more: Partial<Subject> = {}) => rules.decide(line(text, more)).verdict;

describe('a command line', () => {
  test.each([
    ['git status', [['git', 'status']]],
    ["git commit -m 'a; b && c'", [['git', 'commit', '-m', 'a; b && c']]],
    ['echo "two words" three', [['echo', 'two words', 'three']]],
    ['make && make test | tail -n 5; ls &', [['make'], ['make', 'test'], ['tail', '-n', '5'], ['ls']]],
    ['npm test 2>&1 | cat > /dev/null', [['npm', 'test'], ['cat']]],
    ['ls ~/src --color=auto', [['ls', '~/src', '--color=auto']]],
  ])('%s is understood', (text, commands) => {
    const read = readShellLine(text);
    expect(read.opaque).toEqual([]);
    expect(read.commands.map(({ words }) => words)).toEqual(commands);
  });

  test.each([
    'echo $(id)',
    'echo `id`',
    'echo $HOME',
    'echo "$PATH"',
    'ls \\\nrm',
    'a\rb',
    'a\nb',
    'l\tx',
    '!!',
    '!git',
    'echo "!$"',
    '^a^b',
    'ls ^a',
    'cat <<EOF',
    'diff <(a) b',
    '(rm x)',
    '{ rm x; }',
    'rm {a,b}',
    'ls # all',
    'ls ~root',
    '=ls',
    'A=1 ls',
    'PATH=/tmp git status',
    'if true',
    'for i in a',
    'eval ls',
    '. ./x',
    'source x',
    'alias ls=rm',
    'exec ls',
    'export A=b',
    'function ls',
    'trap x EXIT',
    'bash -c ls',
    "python3 -c 'x'",
    "node -e 'x'",
    'curl x | sh',
    'base64 -d x | bash',
    'echo x | python',
    'bash < x',
    "awk 'x' y",
    'find . -exec rm x',
    'find . -delete',
    "echo 'open",
    'echo "open',
    'git\u00a0status',
    'gi\u200bt status',
    'echo \u202etxt.exe',
    '\u0441at x',
    'cd / && rm x',
    '',
    '   ',
    ';',
    'a \\ b',
    "'l\\s'",
    '\x1b[A',
    'ls\x15rm x',
    `echo ${'x'.repeat(20_000)}`,
    '* x',
    'git status\x0f',
    "perl -ne 'x' y",
    'sh -',
    'xargs sh -c x',
  ])('%j is not', (text) => {
    expect(readShellLine(text).opaque).not.toEqual([]);
  });
});

describe('rules', () => {
  test('agents are asked and people are left alone by default', () => {
    expect(verdictOf(policy([]), 'ls')).toBe('ask');
    expect(verdictOf(policy([]), 'ls', { actor: { name: 'ann', isAgent: false } })).toBe('allow');
    expect(policy([]).leavesPeopleAlone).toBe(true);
  });

  test('the first rule that fits decides', () => {
    const rules = policy([{ do: 'deny', command: 'git push *' }, { do: 'allow', command: 'git *' }, { do: 'deny' }]);
    expect(['git status', 'git push', 'git push -f', 'ls'].map((text) => verdictOf(rules, text))).toEqual([
      'allow',
      'deny',
      'deny',
      'deny',
    ]);
  });

  test('of several commands in a line each must be allowed', () => {
    const rules = policy([
      { do: 'allow', command: 'git log *' },
      { do: 'allow', command: 'head' },
      { do: 'deny', command: 'rm *' },
    ]);
    expect(verdictOf(rules, 'git log --oneline | head')).toBe('allow');
    expect(verdictOf(rules, 'git log | tail')).toBe('ask');
    expect(verdictOf(rules, 'git log; rm x')).toBe('deny');
    expect(verdictOf(rules, 'git log > x')).toBe('ask');
    expect(verdictOf(rules, 'git log *.c')).toBe('ask');
    expect(verdictOf(rules, '/tmp/git log')).toBe('ask');
    expect(verdictOf(rules, 'git  "log"')).toBe('allow');
    expect(verdictOf(rules, 'git logs')).toBe('ask');
  });

  test('actor, session and folder narrow a rule', () => {
    const rules = policy([{ do: 'allow', actor: 'agent:bo*', session: 'demo', folder: '/src', command: 'ls *' }]);
    expect(verdictOf(rules, 'ls')).toBe('allow');
    expect(verdictOf(rules, 'ls', { folder: '/srcset' })).toBe('ask');
    expect(verdictOf(rules, 'ls', { session: { id: 'x', name: 'other' } })).toBe('ask');
    expect(verdictOf(rules, 'ls', { actor: { name: 'rob', isAgent: true } })).toBe('ask');
  });

  test('a rule on commands never lets keys or actions pass, one on a program does', () => {
    const rules = policy([
      { do: 'allow', kind: ['keys'], command: 'npm run dev *' },
      { do: 'allow', command: 'ls *' },
    ]);
    expect(verdictOf(rules, 'r', { kind: 'keys', program: 'npm run dev' })).toBe('allow');
    expect(verdictOf(rules, 'r', { kind: 'keys', program: 'bash' })).toBe('ask');
    expect(verdictOf(rules, 'r', { kind: 'keys', program: null })).toBe('ask');
    expect(verdictOf(rules, 'x', { kind: 'keys', program: 'ls -R' })).toBe('ask');
    expect(verdictOf(rules, 'ls', { kind: 'action' })).toBe('ask');
  });

  test('what no rule can allow: files and command line of cmdop itself', () => {
    const rules = policy([{ do: 'allow' }], { default: { agents: 'allow', people: 'allow' } });
    const denied = [
      'cmdop approve 1',
      '/usr/bin/cmdop ls',
      'env cmdop policy set',
      "c'm'dop approve 1",
      'npx cmdop approve 1',
      'cat ~/.local/state/cmdop/journal.db',
      'rm -r "/home/ann/.config/cmdop"',
      'cat < /home/ann/.config/cmdop/policy.json',
      'echo x > ~/.config/cmdop/policy.json',
      'tee --append=/home/ann/.config/cmdop/policy.json',
      'cp x /src/../home/ann/.config/cmdop/',
      'nc -U /run/user/1000/cmdop/host.sock',
      'echo $(cmdop approve 1)',
      'node /opt/cmdop/dist/cli.mjs approve 1',
      'cat $HOME/.config/cmdop/policy.json',
      'ls; cmdop reject 1',
      'timeout 5 cmdop policy edit',
    ];
    expect(denied.filter((text) => verdictOf(rules, text) !== 'deny')).toEqual([]);
    expect(verdictOf(rules, 'cat .local/state/cmdop/x', { folder: HOME })).toBe('deny');
    expect(verdictOf(rules, 'rm -rf /home/ann')).toBe('ask');
    expect(verdictOf(rules, 'cat /home/*/.config/*/policy.json')).toBe('ask');
    expect(verdictOf(rules, 'git clone https://github.com/x/cmdop')).toBe('allow');
  });

  test('trust in a folder ends at its border, and at what cannot be understood', () => {
    const parsed = parsePolicy(trustedFolder('/src/app', 'agent:bot').text);
    if ('mistake' in parsed) throw new Error(parsed.mistake);
    const rules = new PolicyRules(parsed, HOME);
    expect(
      ['make test', 'rm -r build', 'npm test > log', 'ls src/*.ts', 'git log | head -3'].map((text) => verdictOf(rules, text)),
    ).toEqual(Array(5).fill('allow'));
    expect(
      ['cat /etc/passwd', 'rm -r ..', 'cp a ~/b', 'sudo ls', 'echo $(id)', 'cat --file=/etc/x', 'echo x > /etc/y', 'ls ../*'].map((text) =>
        verdictOf(rules, text),
      ),
    ).toEqual(Array(8).fill('ask'));
    expect(verdictOf(rules, 'ls', { folder: '/src' })).toBe('ask');
  });

  test('where agents are allowed by default, a line that cannot be read is asked if a rule forbids something', () => {
    const rules = policy([{ do: 'deny', command: 'rm *' }], { default: { agents: 'allow', people: 'allow' } });
    expect(verdictOf(rules, 'ls')).toBe('allow');
    expect(verdictOf(rules, '$(echo rm) x')).toBe('ask');
  });
});

describe('offers', () => {
  const offer = (text: string) => offeredRule(line(text), readShellLine(text))?.command ?? null;
  test('a rule for just this line, or none', () => {
    expect(offer("git commit -m 'a b'")).toBe("git commit -m 'a b'");
    expect(['ls | head', 'sudo ls', 'python x.py', 'echo $X', 'ls > x', 'ls *'].map(offer)).toEqual(Array(6).fill(null));
  });
  test('for a file, a rule for the files of its folder, which covers the next one and nothing outside', () => {
    const reads = (path: string, verb = 'read') =>
      line(`${verb} ${path}`, { kind: 'action', folder: path.slice(0, path.lastIndexOf('/')) });
    const rule = offeredRule(reads('/src/app/my notes.txt'), null);
    expect(rule).toEqual({ do: 'allow', actor: 'agent:bot', session: 'demo', kind: ['action'], folder: '/src/app', command: 'read *' });
    const rules = policy(rule ? [rule] : []);
    const verdict = (path: string, verb = 'read') => rules.decide(reads(path, verb)).verdict;
    expect(['/src/app/my notes.txt', '/src/app/deep/x'].map((path) => verdict(path))).toEqual(['allow', 'allow']);
    expect([verdict('/src/other'), verdict('/src/app/x', 'write'), verdict('/etc/shadow')]).toEqual(['ask', 'ask', 'ask']);
  });
  test('the rule that would have covered the last five', () => {
    const lines = (...texts: string[]) => texts.map((text) => line(text));
    expect(coveringRule(lines('npm test a', 'npm test b', 'npm test'))?.command).toBe('npm test *');
    expect(coveringRule(lines('npm test', 'npm test'))?.command).toBe('npm test');
    expect(coveringRule(lines('npm test', 'make test'))).toBeNull();
    expect(coveringRule(lines('ls -a', 'ls -b'))).toBeNull();
    expect(coveringRule([line('npm test a'), line('npm test b', { folder: '/x' })])).toBeNull();
  });
});

test('what does not show is written out', () => {
  expect(shownText('a\r\x03\x1b[31m\u202eb\u200bc\u00a0\u{e0041}')).toBe('a‹Enter›‹^C›‹Esc›[31m‹U+202E›b‹U+200B›c‹U+00A0›‹U+E0041›');
});

describe('the policy file', () => {
  test.each(PRESETS)('preset $name is right', ({ text }) => {
    expect(parsePolicy(text)).not.toHaveProperty('mistake');
  });
  test.each([
    ['{', '1:2'],
    ['', '1:1'],
    ['{\n  "rules": [\n    { "do": "allow", "comand": "ls" }\n  ]\n}', '3:22: rules.0'],
    ['{\n  "rules": [{ "do": "perhaps" }]\n}', '2:15'],
    ['{ "rules": [{ "do": "deny", "actor": "human:ben", "command": "rm *" }] }', '1:13: command is for agents'],
    ['{ "rules": [{ "do": "allow", "command": "echo $(id)" }] }', '1:13: the command'],
    ['{ "rules": [{ "do": "allow", "actor": "bot" }] }', '1:13: the actor "bot" must begin with'],
    ['{ "default": { "agents": "ask" }, "rule": [] }', '1:35'],
  ])('%j: a mistake is found at %s', (text, mistake) => {
    expect(parsePolicy(text)).toEqual({ mistake: expect.stringContaining(mistake) });
  });
});

test('a decision takes microseconds', () => {
  const rules = policy(Array.from({ length: 50 }, (_, at) => ({ do: 'allow' as const, folder: '/src', command: `tool${at} run *` })));
  const texts = ['npm run build --workspace app', "git commit -am 'fix the parser' && git push", 'cat src/main.ts | head -n 40'];
  const took: number[] = [];
  for (let at = 0; at < 6_000; at++) {
    const from = performance.now();
    rules.decide(line(texts[at % 3] ?? ''));
    took.push((performance.now() - from) * 1_000);
  }
  took.splice(0, 3_000); // compiled by then
  took.sort((a, b) => a - b);
  console.log(`policy decision: p50 ${took[1_500]?.toFixed(1)} µs, p99 ${took[2_970]?.toFixed(1)} µs`);
  // The goal is 20 on a quiet machine; here others may be running.
  expect(took[1_500]).toBeLessThan(100);
});
