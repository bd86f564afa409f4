/** A machine that cmdop is brought to: over SSH, or by a command that runs programs there, as `docker exec -i C` does. */
import { posix } from 'node:path';
import type { SFTPWrapper } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import type { Asker } from './asker.ts';
import type { BridgeProgram } from './bridge-stream.ts';
import { startCommand } from './command-transport.ts';
import { loginCommand, shellCommand } from './login-shell.ts';
import { wayTo } from './reach.ts';
import { withSshHost } from './ssh-host.ts';

export type Machine = {
  /** Runs a script of install-scripts.ts by the machine's `sh`. */
  run(script: string, args?: readonly string[]): Promise<BridgeProgram>;
  /** Null where there is no file transfer. */
  sftp(): Promise<SFTPWrapper | null>;
};

/** What names a host that a command reaches: the command up to `cmdop bridge`, which runs other programs as well. */
export type Carrier = { readonly words: readonly string[]; readonly cmdop: string };

/** Throws `bad-request` for a host that is installed otherwise. */
export async function onMachine<T>(
  host: string,
  { ask, configFile }: { ask: Asker; configFile?: string },
  work: (machine: Machine) => Promise<T>,
): Promise<T> {
  const way = wayTo(host);
  switch (way.by) {
    case 'ssh':
      return withSshHost(way.ssh, { ask, configFile }, (there) =>
        work({
          run: async (script, args) => {
            const { stream, stderr, exited } = await there.exec(loginCommand(script, args));
            return { stdin: stream, stdout: stream, stderr, exited };
          },
          // Why is not told reliably: a login script that prints breaks it as well. What is tried instead shows whether the line holds.
          sftp: () => there.link.sftp().catch(() => null),
        }),
      );
    case 'command':
      return work(carried(host, carrierOf(host, way.command)));
    case 'local':
      throw new CmdopError('bad-request', `${host} is this machine`);
    case 'share':
      throw new CmdopError('bad-request', `${host} is somebody else’s, and you are a guest there: its owner installs`);
  }
}

/** Throws `bad-request` where the command does not end in `cmdop bridge`: what it can run besides is not known. */
export function carrierOf(host: string, command: readonly string[]): Carrier {
  const [cmdop, bridge] = command.slice(-2);
  const words = command.slice(0, -2);
  if (bridge === 'bridge' && cmdop !== undefined && posix.basename(cmdop) === 'cmdop' && words.length > 0) return { words, cmdop };
  throw new CmdopError(
    'bad-request',
    `${host} is reached by a command that does not end in \`cmdop bridge\`: put cmdop there yourself, as the README shows for an image`,
  );
}

function carried(host: string, { words }: Carrier): Machine {
  return {
    run: async (script, args = []) => {
      // ssh joins its words for a shell to part them again; others start the program with the words as they are.
      const isSsh = /^ssh(\.exe)?$/.test(posix.basename(words[0] ?? ''));
      const command = isSsh ? [shellCommand(script, args)] : ['sh', '-c', script, 'cmdop', ...args];
      const { program, end } = startCommand(host, [...words, ...command]);
      void program.exited.then(end);
      return program;
    },
    sftp: async () => null,
  };
}
