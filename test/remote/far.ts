/** Two machines in one: `near` with a command line, and `far` behind a real sshd, each with folders of its own. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nodePath } from '#local/runtime.ts';
import { endEverythingOf } from '../process/end-everything.ts';
import { startCmdop, type TestCmdop } from '../process/start-cmdop.ts';
import { clientFolder, type Sshd, type SshdOptions, startSshd } from './sshd.ts';

export type Far = {
  /** Home of the account over there, and its CMDOP_HOME. */
  readonly home: string;
  readonly sshd: Sshd;
  /** A command line that knows the machine as `devbox`. */
  readonly near: TestCmdop;
  /** Puts a command `cmdop` into ~/.local/bin over there, as an installation does. */
  giveCmdop(): void;
  /** A start file of the login shell. */
  bashrc(text: string): void;
  dispose(): Promise<void>;
};

export type FarOptions = {
  /** Lines of sshd_config. */
  readonly config?: readonly string[];
  /** Default true. */
  readonly hasCmdop?: boolean;
} & Pick<SshdOptions, 'address' | 'within'>;

export async function startFar({ config = [], hasCmdop = true, ...where }: FarOptions = {}): Promise<Far> {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-far-'));
  chmodSync(home, 0o700);
  // The account is that of whoever runs the tests; only its environment makes it another machine.
  const sshd = await startSshd({ config: [`SetEnv HOME=${home} CMDOP_HOME=${home}`, 'ExposeAuthInfo yes', ...config], ...where });
  const near = await startCmdop({ actor: 'ann' });
  const ssh = clientFolder(sshd);
  cpSync(join(ssh.folder, '.ssh'), join(near.home, '.ssh'), { recursive: true });
  if (hasCmdop) giveCmdop(home);
  const bashrc = (text: string) => writeFileSync(join(home, '.bashrc'), `PS1='$ '\n${text}`);
  bashrc('');
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  return {
    home,
    sshd,
    near,
    giveCmdop: () => giveCmdop(home),
    bashrc,
    dispose: async () => {
      await near.dispose();
      await sshd.dispose();
      endEverythingOf(home);
      for (const folder of [home, ssh.folder]) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}

/** A command `cmdop` where an installation puts it. */
export function giveCmdop(home: string, { node = nodePath(), program = resolve('dist/cli.mjs') } = {}): void {
  const bin = join(home, '.local', 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'cmdop'), `#!/bin/sh\nexec '${node}' '${program}' "$@"\n`, { mode: 0o755 });
}
