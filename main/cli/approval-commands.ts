/** The commands of people about agents: approvals and the policy, with their options and help. */
import type { Command } from 'commander';
import type { Globals } from './connect.ts';

export function addApprovalCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('approvals', 'show what agents wait to be allowed')
    .option('-w, --watch', 'go on with what comes')
    .option('--all', 'also what was decided')
    .option('--json', 'as JSON; with --watch one object a line')
    .action(async (options) => (await import('./approvals.ts')).approvals({ ...globals(), ...options }));
  add('approve <id>', 'let an agent do what it asked for')
    .option('--session', 'and the same again, while the session runs')
    .option('--rule', 'and add the rule that `cmdop approvals` shows to the policy')
    .option('--edit <text>', 'run this line instead')
    .action(async (id, options) => (await import('./approvals.ts')).approve({ ...globals(), ...options }, id));
  add('reject <id>', 'refuse what an agent asked for')
    .option('--reason <text>', 'told to the agent')
    .action(async (id, options) => (await import('./approvals.ts')).reject({ ...globals(), ...options }, id));
  add('answer <id> <text>', 'answer the question of an agent').action(async (id, text) =>
    (await import('./approvals.ts')).answer(globals(), id, text),
  );
  const policy = add('policy', 'what agents may do: rules in one file');
  policy
    .command('show')
    .description('print the policy in force, and where it is')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./policy.ts')).show({ ...globals(), ...options }));
  policy
    .command('edit')
    .description('open it in $VISUAL or $EDITOR; it counts once it is right')
    .action(async () => (await import('./policy.ts')).edit(globals()));
  policy
    .command('check')
    .argument('[file]', 'instead of the policy in force')
    .description('say whether it is right, or where its first mistake is')
    .action(async (file) => (await import('./policy.ts')).check(globals(), file));
  policy
    .command('preset')
    .argument('[name]', '"observe only", "ask each time" or "trusted in this folder"; without it they are listed')
    .description('put a ready-made policy in the place of yours')
    .option('--folder <folder>', 'for "trusted in this folder"; this one by default')
    .option('--actor <actor>', 'for "trusted in this folder": agent:NAME; every agent by default')
    .action(async (name, options) => (await import('./policy.ts')).preset({ ...globals(), ...options }, name));
}
