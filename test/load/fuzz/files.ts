/** Hostile text where people's own files are read, and where an agent's line is: each takes one case; a fault is an exception. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';
import { PolicyRules } from '#session/policy.ts';
import { readShellLine } from '#session/shell-line.ts';
import { hasInvisible, shownText } from '#session/shown-text.ts';
import { parsePolicy } from '../../../main/host/agents/policy-file.ts';
import { readHosts } from '../../../main/remote/hosts-file.ts';
import { readConfigFile } from '../../../main/remote/ssh/config-file.ts';
import { settingsFor } from '../../../main/remote/ssh/config-match.ts';
import { judgeKey, knownTypes, parseKnownHosts } from '../../../main/remote/ssh/known-hosts.ts';
import { below, bytesOf, hostileJson, mutate, pick, type Random } from './mutate.ts';

/** One case may take so long, milliseconds: a pattern that explodes takes for ever. */
const CASE_MS = 2_000;

const folder = mkdtempSync(join(tmpdir(), 'cmdop-fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const mutated = (random: Random, seeds: readonly string[]) =>
  Buffer.from(random() < 0.1 ? Buffer.from(pick(random, seeds)) : mutate(random, Buffer.from(pick(random, seeds)))).toString('utf8');

function inTime<T>(work: () => T): T {
  const from = performance.now();
  const result = work();
  check(performance.now() - from < CASE_MS, 'one case took for ever');
  return result;
}

/** What may be thrown at a person: a sentence with a place. */
function sentenceOrResult<T>(work: () => T): T | null {
  try {
    return inTime(work);
  } catch (error) {
    if (error instanceof CmdopError && error.code === 'bad-configuration') return null;
    throw error;
  }
}

const POLICIES = [
  '{ "default": { "agents": "ask", "people": "allow" }, "rules": [\n { "do": "deny", "command": "git push *" } ] }',
  '{ "rules": [ // mine\n { "do": "allow", "actor": "agent:claude*", "folder": "~/src/app", "kind": ["command"] }, ], "approvalMinutes": 5 }',
  '{ "rules": [ { "do": "allow", "command": "a*a*a*a*a*a*a*a*b", "session": "*" }, { "do": "ask", "actor": "*", "folder": "/**/x" } ] }',
];
const LINES = [
  'git status && ls -la "a b" | grep -v x; echo done',
  'rm -rf "$HOME/x" `id` $(id) <(id) !! ~root {a,b} \\\n x',
  "printf '%s' $'\\x41' \"$x$(y)\" 2>&1 >f <<EOF\nEOF\n",
  `echo ${'a'.repeat(60)}\u202e\u200b; "${'"\'"\''.repeat(20)}`,
];

const PROTECTED = { places: ['/home/ann/.local/state/cmdop'] };

function subjectOf(text: string) {
  const [actor, session] = [
    { name: 'claude', isAgent: true },
    { id: 's', name: 'api' },
  ];
  const place = { folder: '/home/ann/src/app', home: '/home/ann', program: null };
  return { actor, session, ...place, kind: 'command' as const, text, protected: PROTECTED };
}

export function policyText(random: Random): void {
  const text = random() < 0.2 ? hostileJson(random) : mutated(random, POLICIES);
  const read = inTime(() => parsePolicy(text));
  if ('mistake' in read) check(/^\d+:\d+: /.test(read.mistake), `a mistake without its place: ${read.mistake}`);
  else inTime(() => new PolicyRules(read, '/home/ann').decide(subjectOf(mutated(random, LINES))));
}

const DENIES_ALL_ELSE = new PolicyRules(
  {
    rules: [{ do: 'allow', command: 'git status' }],
    default: { agents: 'deny', people: 'allow' },
    approvalMs: 1,
  },
  '/home/ann',
);

/** Whatever the line looks like: only what is `git status` and nothing else is let through. */
export function shellLine(random: Random): void {
  const text = mutated(random, [...LINES, 'git status', 'git  status', 'git status; id', "'git' status"]);
  inTime(() => readShellLine(text));
  const { verdict } = inTime(() => DENIES_ALL_ELSE.decide(subjectOf(text)));
  const plain = text
    .replaceAll(/['"\\]/g, '')
    .trim()
    .split(/[\s;&|]+/)
    .filter(Boolean);
  const isHarmless = plain.every((word, at) => word === ['git', 'status'][at % 2]);
  check(verdict !== 'allow' || isHarmless, `allowed: ${JSON.stringify(text)}`);
  check(!hasInvisible(shownText(text)), `shown with something invisible in it: ${JSON.stringify(text)}`);
}

const HOSTS = ['{"hosts": {"web": {"command": ["docker", "exec", "-i", "web", "cmdop", "bridge"]}, "b": {"ssh": "ci@b:2222"}}}'];

export function hostsJson(random: Random): void {
  const file = join(folder, 'hosts.json');
  writeFileSync(file, random() < 0.3 ? `{"hosts":${hostileJson(random)}}` : mutated(random, HOSTS));
  const read = sentenceOrResult(() => readHosts(file));
  for (const entry of Object.values(read ?? {})) check('command' in entry || 'ssh' in entry, 'an entry that is none');
}

const CONFIGS = [
  'Host a b *.x !c\n  HostName %h.example.org\n  User "ann b"\n  Port 22\nMatch host b user ann\n  ProxyJump a,b:22\n',
  `Host ${'*a'.repeat(20)}b\n  IdentityFile ~/.ssh/id_%r@%h\nMatch all\n  ServerAliveInterval=5\n`,
  'Match canonical originalhost x,!y localuser *\n  UserKnownHostsFile a "b c"\nHost $HOME\n  StrictHostKeyChecking ask\n',
];

export function sshConfig(random: Random): void {
  const file = join(folder, 'config');
  const text = mutated(random, CONFIGS);
  if (/exec|include/i.test(text)) return; // no chance may run or read anything here
  writeFileSync(file, text);
  const sections = sentenceOrResult(() => readConfigFile(file, { includesFrom: folder }));
  if (!sections) return;
  const host = pick(random, ['a', 'b', 'x', `${'a'.repeat(40)}c`]);
  // Its first pass is made before it gives a promise; what it refuses is a sentence.
  void inTime(() => settingsFor(sections, { host, user: null, port: null }, () => {})).catch((error: unknown) => {
    if (!(error instanceof CmdopError)) throw error;
  });
}

const KEY = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from('ssh-ed25519'), Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])]);
const KNOWN = [
  `a,[b]:22,*.x ssh-ed25519 ${KEY.toString('base64')} comment\n@revoked c ssh-ed25519 ${KEY.toString('base64')}\n`,
  `|1|${Buffer.alloc(20, 1).toString('base64')}|${Buffer.alloc(20, 2).toString('base64')} ssh-ed25519 ${KEY.toString('base64')}\n`,
  `@cert-authority ${'*a'.repeat(20)}b,!a ssh-ed25519 ${KEY.toString('base64')}\n# ${'x'.repeat(99)}\n`,
];

/** A key that stands in no file is known under no name, however the file is damaged. */
export function knownHosts(random: Random): void {
  const entries = inTime(() => parseKnownHosts(mutated(random, KNOWN), 'known_hosts'));
  const key = Buffer.concat([KEY, bytesOf(random, 8 + below(random, 20))]);
  const name = pick(random, ['a', '[b]:22', 'y.x', 'c', `${'a'.repeat(40)}c`]);
  const verdict = inTime(() => judgeKey(entries, { key, name, fallbackName: 'a' }));
  check(verdict.is !== 'known', 'a strange key was known');
  knownTypes(entries, name);
}
