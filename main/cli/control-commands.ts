/** The commands about who may act: control, agents, roles and sizes. */
import type { Command } from 'commander';
import type { Globals } from './connect.ts';

type Add = (usage: string, description: string) => Command;

export function addControlCommands(add: Add, globals: () => Globals): void {
  add(
    'control [session] [verb] [value]',
    'show or change who may type: take, release, request [REASON], grant ACTOR, mode turns|locked|open',
  )
    .usage('[SESSION] [take | release | grant ACTOR | mode M]')
    .option('--default <mode>', 'the mode of sessions to come')
    .option('--json', 'as JSON')
    .addHelpText('after', CONTROL_HELP)
    .action(async (session, verb, value, options) =>
      (await import('./control.ts')).control({ ...globals(), ...options }, session, verb, value),
    );
  add('pause [session]', 'stop every agent at once, here or everywhere')
    .option('--agents', 'required: it is agents that stop')
    .addHelpText('after', PAUSE_HELP)
    .action(async (session, options) => (await import('./control.ts')).pause({ ...globals(), ...options }, session));
  add('resume [session]', 'let agents act again')
    .option('--agents', 'required')
    .action(async (session, options) => (await import('./control.ts')).resume({ ...globals(), ...options }, session));
  add('role <session> <actor> <role>', 'make somebody owner, operator or observer of a session').action(async (session, actor, role) =>
    (await import('./control.ts')).role(globals(), session, actor, role),
  );
  add('kick <session> <actor>', 'remove somebody from a session, until they are given a role again').action(async (session, actor) =>
    (await import('./control.ts')).kick(globals(), session, actor),
  );
  add('size <session> <policy>', 'whose window decides: controller, largest, smallest, or a size such as 120x40').action(
    async (session, policy) => (await import('./control.ts')).size(globals(), session, policy),
  );
}

const CONTROL_HELP = `
turns    who types first has control; after two seconds of quiet another person
         takes it by typing (the default)
locked   it moves only when somebody takes, releases or grants it
open     everybody may type; each keystroke, paste and line is whole
A person takes control from an agent by typing, in every mode; an agent never
takes it from a person. Without a session it shows what new sessions get.`;

const PAUSE_HELP = `
Agents lose control, what they sent and no program has read yet is taken back,
and everything new is refused until a person resumes them; also across restarts
of the host. Without a session: in all of them.`;
