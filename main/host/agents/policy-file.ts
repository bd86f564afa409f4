/**
 * The policy file: read, checked, watched, written. A mistake is told with its line and column, and the last good policy
 * goes on; without a file the defaults apply.
 */
import { type FSWatcher, mkdirSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import {
  applyEdits,
  findNodeAtLocation,
  getNodeValue,
  modify,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import { CmdopError } from '#protocol/errors.ts';
import { DEFAULT_POLICY, faultIn, type Policy, type PolicyRule, PolicyRules, ruleText } from '#session/policy.ts';
import { DEFAULT_POLICY_TEXT } from '#session/policy-presets.ts';

/** An editor writes a file in several steps: it is read once they are over, milliseconds. */
const SETTLE_MS = 30;
const MAX_RULES = 1_000;
/** Brackets in each other: a policy has four levels. */
const MAX_DEPTH = 32;
/** Largest file that is read, characters: as much as `policy.set` takes. */
const MAX_CHARACTERS = 256 * 1024;

const verdict = z.enum(['allow', 'ask', 'deny']);
const rule = z.strictObject({
  do: verdict,
  actor: z.string().min(1).max(200).optional(),
  kind: z
    .array(z.enum(['command', 'keys', 'action']))
    .min(1)
    .optional(),
  session: z.string().min(1).max(256).optional(),
  folder: z.string().min(1).max(4096).optional(),
  command: z.string().min(1).max(4096).optional(),
});
const policyShape = z.strictObject({
  default: z.strictObject({ agents: verdict.default('ask'), people: verdict.default('allow') }).optional(),
  /** How long an approval waits. */
  approvalMinutes: z.number().min(0.02).max(1440).optional(),
  rules: z.array(rule).max(MAX_RULES).optional(),
});

export type PolicyFileOptions = {
  file: string;
  home: string;
  /** The policy in force, or what is wrong with its file, is different now. */
  changed(): void;
};

export class PolicyFile {
  readonly #options: PolicyFileOptions;
  #rules: PolicyRules;
  #text: string | null = null;
  #problem: string | null = null;
  #watcher: FSWatcher | null = null;
  #settling: NodeJS.Timeout | null = null;

  constructor(options: PolicyFileOptions) {
    this.#options = options;
    this.#rules = new PolicyRules(DEFAULT_POLICY, options.home);
    this.#read();
    this.#watch();
  }

  /** The last good ones. */
  get rules(): PolicyRules {
    return this.#rules;
  }
  get file(): string {
    return this.#options.file;
  }
  /** As on disk; the defaults where there is none. */
  get text(): string {
    return this.#text ?? DEFAULT_POLICY_TEXT;
  }
  /** Why the file does not count, with its place. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Throws `bad-request` with line and column of the first mistake. */
  save(text: string): void {
    const policy = parsePolicy(text);
    if ('mistake' in policy) throw new CmdopError('bad-request', `the policy has a mistake at ${policy.mistake}`);
    const { file } = this.#options;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const fresh = `${file}.new`;
      writeFileSync(fresh, text, { mode: 0o600 });
      renameSync(fresh, file);
    } catch (error) {
      throw new CmdopError('storage', `${file} cannot be written (${(error as Error).message}): the policy is unchanged`);
    }
    this.#read();
    this.#options.changed();
    if (!this.#watcher) this.#watch();
  }

  /** Puts `rule` before the one that is `before` as text, or last; comments stay. */
  add(rule: PolicyRule, before: string | null): void {
    const { rules } = this.#rules.policy;
    const at = rules.findIndex((each) => ruleText(each) === before);
    const formattingOptions = { insertSpaces: true, tabSize: 2 };
    const path = rules.length === 0 && !/"rules"/.test(this.text) ? ['rules'] : null;
    const edits = path
      ? modify(this.text, path, [rule], { formattingOptions })
      : modify(this.text, ['rules', at < 0 ? rules.length : at], rule, { formattingOptions, isArrayInsertion: true });
    this.save(applyEdits(this.text, edits));
  }

  dispose(): void {
    this.#watcher?.close();
    if (this.#settling) clearTimeout(this.#settling);
  }

  #read(): void {
    const { file, home } = this.#options;
    const { text, problem } = readText(file);
    if (text === this.#text && problem === null && this.#problem === null) return;
    this.#text = text;
    const policy = text === null ? DEFAULT_POLICY : parsePolicy(text);
    if (problem !== null || 'mistake' in policy) {
      const mistake = problem ?? ('mistake' in policy ? policy.mistake : '');
      this.#problem = `${file}:${mistake}; the last good policy goes on: \`cmdop policy check\` tells when it is right`;
    } else {
      this.#problem = null;
      this.#rules = new PolicyRules(policy, home);
    }
  }

  /** The folder, since editors put a new file in the place of the old one. */
  #watch(): void {
    const { file } = this.#options;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.#watcher = watch(dirname(file), { persistent: false }, (_event, name) => {
        if (name !== null && name !== basename(file)) return;
        this.#settling ??= setTimeout(() => {
          this.#settling = null;
          this.#read();
          this.#options.changed();
        }, SETTLE_MS);
      });
      this.#watcher.on('error', () => this.#watcher?.close()); // the folder is gone: the policy in force stays
    } catch {
      // no such folder can be made: then there is no file in it either, and `save` says so
    }
  }
}

/** The policy in `text`, or its first mistake as `LINE:COLUMN: what`. */
export function parsePolicy(text: string): Policy | { mistake: string } {
  if (text.length > MAX_CHARACTERS) return { mistake: `1:1: larger than ${MAX_CHARACTERS} characters` };
  // What reads it calls itself for each level: ten thousand of them would be the end of the host.
  const tooDeep = offsetOfDepth(text, MAX_DEPTH);
  if (tooDeep !== null) return { mistake: `${placeOf(text, tooDeep)}: more than ${MAX_DEPTH} brackets in each other` };
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error || !tree) {
    const what = error
      ? printParseErrorCode(error.error)
          .replace(/([a-z])([A-Z])/g, '$1 $2')
          .toLowerCase()
      : 'it is empty';
    return { mistake: `${placeOf(text, error?.offset ?? 0)}: ${what}` };
  }
  const { data, error: wrong } = policyShape.safeParse(getNodeValue(tree));
  if (!data) {
    const issue = wrong.issues[0];
    const path = (issue?.path ?? []) as (string | number)[];
    const node = nodeAt(tree, issue?.code === 'unrecognized_keys' ? [...path, issue.keys[0] ?? ''] : path);
    return { mistake: `${placeOf(text, node.offset)}: ${[path.join('.'), issue?.message].filter(Boolean).join(': ')}` };
  }
  const rules = data.rules ?? [];
  for (const [at, each] of rules.entries()) {
    const fault = faultIn(each);
    if (fault) return { mistake: `${placeOf(text, nodeAt(tree, ['rules', at]).offset)}: ${fault}` };
  }
  return {
    rules,
    default: { ...DEFAULT_POLICY.default, ...data.default },
    approvalMs: data.approvalMinutes === undefined ? DEFAULT_POLICY.approvalMs : data.approvalMinutes * 60_000,
  };
}

/** Where the bracket is that opens one level too many; brackets in strings and comments count too. */
function offsetOfDepth(text: string, levels: number): number | null {
  let depth = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    if (depth > levels) return index;
  }
  return null;
}

function readText(file: string): { text: string | null; problem: string | null } {
  try {
    return { text: readFileSync(file, 'utf8'), problem: null };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { text: null, problem: null };
    return { text: null, problem: ` ${(error as Error).message}` };
  }
}

/** The innermost node of the path that is there; of a property its name. */
function nodeAt(tree: Node, path: (string | number)[]): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node) return node.parent?.type === 'property' ? node.parent : node;
  }
  return tree;
}

function placeOf(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
