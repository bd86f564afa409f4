/** Another machine, as far as a client can tell: a real sshd with a home of its own, cmdop in it, behind a network that can fail. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Asker } from '../../main/remote/asker.ts';
import { endEverythingOf } from '../process/end-everything.ts';
import { type Network, startNetwork } from './network.ts';
import { clientFolder, type Sshd, startSshd } from './sshd.ts';

export type FarMachine = {
  readonly home: string;
  /** CMDOP_HOME over there. */
  readonly stateDir: string;
  readonly sshd: Sshd;
  readonly network: Network;
  /** An ssh_config in which `far` and `farther` are this machine, through the network. */
  readonly configFile: string;
  /** Answers nothing: whoever gets in must not need to be asked. */
  readonly ask: Asker;
  dispose(): Promise<void>;
};

/** While it is there, CMDOP_HOME of this process is a folder of its own, which nothing runs in. */
export async function startFarMachine(): Promise<FarMachine> {
  const home = mkdtempSync(join(tmpdir(), 'cmdop-far-'));
  const bin = join(home, '.local', 'bin');
  mkdirSync(bin, { recursive: true });
  const program = join(bin, 'cmdop');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve('build/cmdop.mjs')}' "$@"\n`);
  chmodSync(program, 0o755);
  const stateDir = join(home, 'c');
  const sshd = await startSshd({ config: [`SetEnv HOME=${home} CMDOP_HOME=${stateDir} SHELL=/bin/bash LANG=C.UTF-8`] });
  const network = await startNetwork(sshd.port);
  const knownHostsLines = sshd.knownHostsLines.map((line) => line.replace(`]:${sshd.port} `, `]:${network.port} `));
  const behind = { ...sshd, port: network.port, knownHostsLines };
  const folder = clientFolder(behind, { name: 'far farther' });
  const before = process.env.CMDOP_HOME;
  process.env.CMDOP_HOME = folder.folder;
  return {
    home,
    stateDir,
    sshd,
    network,
    configFile: folder.configFile,
    ask: {
      hostKey: async () => false,
      secret: async () => null,
      notice: () => {},
    },
    dispose: async () => {
      if (before === undefined) delete process.env.CMDOP_HOME;
      else process.env.CMDOP_HOME = before;
      network.dispose();
      await sshd.dispose();
      endEverythingOf(stateDir);
      for (const each of [home, folder.folder]) rmSync(each, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
