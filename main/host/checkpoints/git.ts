/**
 * Git as it is used here: the real program on a repository of our own, with nothing of the user's or of the folder's
 * configuration, so that no hook, filter, monitor, helper or attribute of theirs is ever run.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { CmdopError } from '#protocol/errors.ts';

import { startFailure } from '../start-failure.ts';

export type Shadow = {
  /** The repository of ours. */
  readonly gitDir: string;
  /** The folder whose files it keeps. */
  readonly folder: string;
};

/** Everything that decides what git does, whatever its defaults: files are kept byte by byte, nothing is run. */
const CONFIG = `[core]
	repositoryformatversion = 0
	bare = false
	fileMode = true
	symlinks = true
	ignoreCase = false
	precomposeUnicode = false
	protectHFS = false
	protectNTFS = false
	autocrlf = false
	safecrlf = false
	hooksPath = /dev/null
	attributesFile = /dev/null
	excludesFile = /dev/null
	fsmonitor = false
	untrackedCache = false
	splitIndex = false
	preloadIndex = true
	compression = 1
	looseCompression = 1
	bigFileThreshold = 8m
	fsync = objects
	fsyncMethod = batch
[gc]
	auto = 0
[maintenance]
	auto = false
[submodule]
	recurse = false
[protocol]
	allow = never
[pack]
	window = 0
	threads = 1
`;
/** Above every .gitattributes of the folder. */
const ATTRIBUTES = '* -text !eol !crlf !filter !ident !working-tree-encoding !diff !merge !delta\n';

/** Makes the repository if it is not there; what an ended process left locked is free again. */
export function openShadow({ gitDir, folder }: Shadow): void {
  for (const part of ['objects/pack', 'refs/checkpoints', 'info']) mkdirSync(join(gitDir, part), { recursive: true, mode: 0o700 });
  writeFileSync(join(gitDir, 'config'), CONFIG, { mode: 0o600 });
  writeFileSync(join(gitDir, 'info', 'attributes'), ATTRIBUTES, { mode: 0o600 });
  writeFileSync(join(gitDir, 'info', 'exclude'), '', { mode: 0o600 });
  if (!existsSync(join(gitDir, 'HEAD'))) {
    writeFileSync(join(gitDir, 'folder'), folder, { mode: 0o600 });
    writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n', { mode: 0o600 });
  }
  const left = (name: string) => name.endsWith('.lock') || name.startsWith('tmp_') || name.endsWith('.tmp');
  for (const part of ['', 'objects/pack', 'refs/checkpoints'])
    for (const name of readdirSync(join(gitDir, part))) if (left(name)) rmSync(join(gitDir, part, name), { force: true });
}

let program: string | undefined;

/** Absolute, so that no folder can put a program of its own in the way. Throws `command-not-found`. */
export function gitProgram(): string {
  program ??= (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, process.platform === 'win32' ? 'git.exe' : 'git'))
    .find((path) => existsSync(path));
  if (!program) throw new CmdopError('command-not-found', 'checkpoints need git, and there is none on the PATH of the host: install git');
  return program;
}

/** Nothing of the environment we were started in but where programs are. */
export function gitEnvironment({ gitDir, folder }: Shadow): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: gitDir,
    XDG_CONFIG_HOME: gitDir,
    LC_ALL: 'C',
    GIT_DIR: gitDir,
    GIT_WORK_TREE: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
  };
}

export type GitRun = {
  input?: Buffer;
  env?: Record<string, string>;
  /** Exit codes that are no failure; 0 is not. */
  allow?: readonly number[];
  /** Every piece of output; then nothing is collected. False: enough, git is ended. */
  output?: (piece: Buffer) => boolean;
};

/** What git printed. Rejects with what it said on stderr. */
export function git(shadow: Shadow, words: readonly string[], { input, env = {}, allow = [], output }: GitRun = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(gitProgram(), words, { cwd: shadow.folder, env: { ...gitEnvironment(shadow), ...env }, stdio: 'pipe' });
    child.on('error', (error) => reject(new CmdopError('internal', `git could not be run: ${startFailure(error)}`)));
    if (child.pid === undefined) return;
    const pieces: Buffer[] = [];
    let isEnough = false;
    let complaint = '';
    child.stdout.on('data', (piece: Buffer) => {
      if (!output) pieces.push(piece);
      else if (!isEnough && !output(piece)) {
        isEnough = true;
        child.kill();
      }
    });
    child.stderr.on('data', (piece: Buffer) => {
      if (complaint.length < 2_000) complaint += piece.toString('utf8');
    });
    child.on('close', (code) => {
      if (code === 0 || isEnough || allow.includes(code ?? -1)) resolve(Buffer.concat(pieces));
      else reject(failed(words[0] ?? '', complaint));
    });
    child.stdin.on('error', () => {}); // its exit tells
    child.stdin.end(input ?? Buffer.alloc(0));
  });
}

export class GitFailed extends Error {
  override name = 'GitFailed';
}

function failed(command: string, complaint: string): Error {
  const said = complaint.trim().split('\n').slice(-3).join('; ');
  if (/no space left|disk quota/i.test(said))
    return new CmdopError('storage', 'there is no room on the disk for the checkpoint: make room; no file has changed');
  return new GitFailed(`git ${command} failed: ${said.slice(0, 400) || 'without a word'}`);
}
