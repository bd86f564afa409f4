/** The shells that tests run, with homes of their own, each ended after its test. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, vi } from 'vitest';
import { SHELL_DIR, ShellInPty, type ShellOptions } from './shell-in-pty.ts';

/** Shells are started and spoken to in turn; each wait has its own, shorter patience. */
vi.setConfig({ testTimeout: 30_000 });

const open: ShellInPty[] = [];
afterEach(() => {
  for (const shell of open.splice(0)) shell.dispose();
});

/** Throws what making the session's program throws. */
export function openShell(options: ShellOptions): ShellInPty {
  const shell = new ShellInPty(options);
  open.push(shell);
  return shell;
}

/** Resolves at its first prompt. */
export async function start(options: ShellOptions): Promise<ShellInPty> {
  const shell = openShell(options);
  await shell.prompts(1);
  return shell;
}

export const BASH = '/usr/bin/bash';
export const ZSH = '/usr/bin/zsh';
export const FISH = '/usr/bin/fish';

/** The path that bash 3.2 to 4.3 take, run by the bash there is. */
export const legacyDir = mkdtempSync(join(tmpdir(), 'cmdop-legacy-'));
const script = readFileSync(join(SHELL_DIR, 'cmdop.bash'), 'utf8').replaceAll(/>= 404|>= 501/g, '>= 9999');
writeFileSync(join(legacyDir, 'cmdop.bash'), script);
afterAll(() => rmSync(legacyDir, { recursive: true }));

export const bashrc = `PS1='$ '\nHISTCONTROL=ignoreboth\nset +o emacs; set -o emacs\n`;
export const bashHome = { '.profile': '. ~/.bashrc\n', '.bashrc': bashrc };
export const zshHome = { '.zshrc': "PS1='%# '\nsetopt hist_ignore_space interactive_comments\n" };
export const fishHome = { '.config/fish/config.fish': "set fish_greeting\nfunction fish_prompt; printf '> '; end\n" };
