/** `policy`: shows, edits, checks and replaces what agents may do. The host has the file and the last word on it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { CmdopError } from '#protocol/errors.ts';
import { trustedFolder } from '#session/policy-presets.ts';
import { type Globals, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { dim, note, print, printJson } from './output.ts';

export async function show(options: Globals & { json?: boolean }): Promise<void> {
  const policy = await withClient(options, (client) => client.request('policy.get', {}));
  if (options.json) {
    printJson(policy);
    return;
  }
  if (process.stdout.isTTY) print(dim(`${policy.file}\n`));
  print(policy.text.endsWith('\n') ? policy.text : `${policy.text}\n`);
  for (const problem of policy.problems) note(problem);
}

export async function check(options: Globals, file: string | undefined): Promise<void> {
  const text = file === undefined ? null : readText(file);
  await withClient(options, async (client) => {
    const policy = await client.request('policy.get', {});
    const checked = file ?? policy.file;
    await client.request('policy.set', { text: text ?? policy.text, check: true }).catch((error: CmdopError) => {
      throw new CmdopError(error.code, error.message.replace(/^the policy has a mistake at /, `${checked}:`));
    });
    print(`${checked} is right\n`);
  });
}

/** A copy is edited, so that the policy in force never has half a change in it. */
export async function edit(options: Globals): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR;
  const policy = await withClient(options, (client) => client.request('policy.get', {}));
  if (!editor || !process.stdin.isTTY) throw new UsageError(`set $EDITOR and run this in a terminal, or edit ${policy.file} itself`);
  const folder = mkdtempSync(join(tmpdir(), 'cmdop-policy-'));
  const copy = join(folder, 'policy.json');
  writeFileSync(copy, policy.text, { mode: 0o600 });
  try {
    for (;;) {
      const { status } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', copy], { stdio: 'inherit' }); // $EDITOR may have options
      if (status !== 0) throw new CmdopError('rejected', `${editor} exited with ${status}: the policy is unchanged`);
      const text = readFileSync(copy, 'utf8');
      if (text === policy.text) return note('unchanged');
      try {
        await withClient(options, (client) => client.request('policy.set', { text }));
        return note(`${policy.file} is in force`);
      } catch (error) {
        note((error as Error).message);
        if (!(await isWanted('edit again? [Y/n] '))) throw new CmdopError('rejected', 'the policy is unchanged');
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function preset(options: Globals & { folder?: string; actor?: string }, name: string | undefined): Promise<void> {
  await withClient(options, async (client) => {
    const policy = await client.request('policy.get', {});
    const presets = [...policy.presets, trustedFolder(resolve(options.folder ?? '.'), options.actor ?? 'agent:*')];
    if (name === undefined) {
      for (const each of presets) print(`${each.name}: ${each.description}\n`);
      return;
    }
    const wanted = presets.find((each) => each.name === name);
    if (!wanted) throw new UsageError(`"${name}" is no preset: ${presets.map((each) => each.name).join(', ')}`);
    await client.request('policy.set', { text: wanted.text });
    print(`in force: ${wanted.description} (${policy.file})\n`);
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`,
    );
  }
}

async function isWanted(question: string): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return !/^n/i.test(await reader.question(question));
  } finally {
    reader.close();
  }
}
