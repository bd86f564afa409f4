/** The commands about what runs in a session: its ports and its processes, with their options and help. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

export function addRunningCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('ports <session>', 'show on which ports its programs listen')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./ports.ts')).ports({ ...globals(), ...options }, session));
  add('forward <session> <ports...>', 'open ports of a session on this machine, until Ctrl-C or its end')
    .option('--bind <address>', 'a loopback address: 127.0.0.1 (default), ::1')
    .option('--any', 'also ports of other programs on its machine; for its owners')
    .option('--json', 'one object a line: what is open, and why it ended')
    .usage('SESSION PORT[:LOCAL]… [--bind ADDRESS] [--any]')
    .addHelpText('after', FORWARD_HELP)
    .action(async (session, ports, options) => (await import('./forward.ts')).forward({ ...globals(), ...options }, session, ports));
  add('ps <session>', 'show its processes: CPU, memory, age and folder of each')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./processes.ts')).ps({ ...globals(), ...options }, session));
  add('signal <session> <pid> [signal]', 'send a signal (TERM) to one process of a session')
    .usage('SESSION PID [TERM | KILL | INT | HUP | STOP | CONT…]')
    .action(async (session, pid, signal) => (await import('./processes.ts')).signal(globals(), session, pid, signal));
}

const FORWARD_HELP = `
  cmdop forward api 3000            port 3000 here, or another if it is taken
  cmdop forward api 3000:8080 9229  3000 as 8080, and 9229
  cmdop -H devbox forward api 3000  from another machine, through the same link
Only this machine reaches what is opened.`;
