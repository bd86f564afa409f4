/** The commands about what is kept, with their options and help. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

export function addKeepingCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('retention', 'show how much every session takes, and set limits')
    .option('--session-budget <size>', 'output of one session on disk: 64M (the default), 1G…')
    .option('--total <size>', 'of all sessions together: 2G…, or none (the default)')
    .option('--age <time>', 'since a session ended: 90d, 12w…, or none (the default)')
    .option('--json', 'as JSON')
    .addHelpText('after', RETENTION_HELP)
    .action(async (options) => (await import('./retention.ts')).retention({ ...globals(), ...options }));
  add('prune', 'remove what is beyond the limits of `cmdop retention` now')
    .option('-n, --dry-run', 'only show what would go, and how much that frees')
    .option('--json', 'as JSON')
    .addHelpText('after', PRUNE_HELP)
    .action(async (options) => (await import('./retention.ts')).prune({ ...globals(), ...options }));
  add('pin <session>', 'keep a session, whatever the limits').action(async (session) =>
    (await import('./retention.ts')).pin(globals(), session, true),
  );
  add('unpin <session>', 'put a session under the limits again').action(async (session) =>
    (await import('./retention.ts')).pin(globals(), session, false),
  );
  add('schema [command...]', 'print the JSON Schema of what a command prints with --json; without one, which have one')
    .option('--all', 'of every command, by name')
    .addHelpText('after', SCHEMA_HELP)
    .action(async (words, options) => (await import('../schemas/schema.ts')).schema(words, options));
}

/** Below `host`. */
export function addServiceCommands(host: Command, globals: () => Globals): void {
  host
    .command('enable')
    .description('have it started at login, by systemd or launchd')
    .helpOption('-h, --help', 'show this help')
    .option('--json', 'as JSON')
    .addHelpText('after', ENABLE_HELP)
    .action(async (options) => (await import('../service.ts')).enable({ ...globals(), ...options }));
  host
    .command('disable')
    .description('no longer; what runs goes on')
    .helpOption('-h, --help', 'show this help')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('../service.ts')).disable({ ...globals(), ...options }));
}

const ENABLE_HELP = `
A systemd user unit or a launchd agent that starts this build's host, and again
if it fails. Stopping it leaves every session running. After an update to another
folder run it again. With systemd, \`loginctl enable-linger\` starts it at boot.`;

const RETENTION_HELP = `
Example: cmdop retention --total 2G --age 90d
Without an option it changes nothing. Limits of all sessions are applied once a
day, an hour after they were set at the earliest, and by \`cmdop prune\`; what
runs or is pinned is never removed. The journal and checkpoints are shown beside
the sessions and do not count: they are of many, and checkpoints have a limit of
their own. A session's own budget takes the oldest of its
output at once, also while it runs.`;

const SCHEMA_HELP = `
Examples: cmdop schema ls, cmdop schema host status, cmdop schema 'log --events'
Fields are only ever added: a reader that ignores what it does not know goes on.`;

const PRUNE_HELP = `
Who is removed goes with output, screen and history; the journal says who removed
it, when, and how much, and \`cmdop verify\` still proves the rest.`;
