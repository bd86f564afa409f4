/** Another machine, as far as a test can tell: a real sshd with a home of its own below a temporary folder, and cmdop in it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endEverythingOf } from '../process/end-everything.ts';
import { giveCmdop } from '../remote/far.ts';
import { type Network, startNetwork } from '../remote/network.ts';
import { type Agent, type Sshd, startAgent, startSshd } from '../remote/sshd.ts';
import { projectDir } from './launch.ts';

export type RemoteMachine = {
  readonly home: string;
  readonly sshd: Sshd;
  readonly network: Network;
  /** What a person types to get there: `user@127.0.0.1:port`. */
  readonly name: string;
  /** For the app's environment: where the agent with the key is. */
  readonly env: Record<string, string>;
  /** Runs `cmdop …` over there. */
  cmdop(...args: string[]): Promise<string>;
  hostPid(): Promise<number | null>;
  dispose(): Promise<void>;
};

export type RemoteMachineOptions = {
  hasCmdop?: boolean;
  /** Further lines of sshd_config. */
  config?: readonly string[];
};

export async function startRemoteMachine({ hasCmdop = true, config = [] }: RemoteMachineOptions = {}): Promise<RemoteMachine> {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-far-'));
  writeFileSync(join(home, '.bashrc'), "PS1='far$ '\n");
  writeFileSync(join(home, '.bash_profile'), '. ~/.bashrc\n');
  if (hasCmdop) giveCmdop(home, { node: process.execPath, program: join(projectDir, 'build', 'cmdop.mjs') });
  const env = { HOME: home, CMDOP_HOME: join(home, 'c'), SHELL: '/bin/bash', LANG: 'C.UTF-8', CMDOP_ACTOR: 'far' };
  const setEnv = `SetEnv ${Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}`;
  const sshd = await startSshd({ config: [setEnv, ...config] });
  const network = await startNetwork(sshd.port);
  const agent: Agent = await startAgent();
  agent.add(sshd.clientKey);
  const cmdop = async (...args: string[]) => {
    const path = process.env.PATH ?? '';
    const command = [join(projectDir, 'build', 'cmdop.mjs'), ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...env, PATH: path }, cwd: home });
    return stdout;
  };
  return {
    home,
    sshd,
    network,
    name: `${sshd.user}@127.0.0.1:${network.port}`,
    env: { SSH_AUTH_SOCK: agent.socket },
    cmdop,
    hostPid: async () => {
      const status: unknown = JSON.parse(await cmdop('host', 'status', '--json').catch(() => 'null'));
      return typeof status === 'object' && status !== null && 'pid' in status && typeof status.pid === 'number' ? status.pid : null;
    },
    dispose: async () => {
      network.dispose();
      await agent.dispose();
      await sshd.dispose();
      endEverythingOf(env.CMDOP_HOME);
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
