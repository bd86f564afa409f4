/** The commands about checkpoints and reports, with their options and help. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

/** `paths`: the words behind `--`. */
export function addCheckpointCommands(
  add: (usage: string, description: string) => Command,
  globals: () => Globals,
  paths: readonly string[] | null,
): void {
  add('checkpoint <session>', 'keep the files of a session’s working folder as they are now')
    .option('-m, --message <text>', 'what for')
    .option('--json', 'as JSON')
    .addHelpText('after', CHECKPOINT_HELP)
    .action(async (session, options) => (await import('./checkpoints.ts')).checkpoint({ ...globals(), ...options }, session));
  add('checkpoints <session>', 'list the checkpoints of a session and its folder')
    .option('-n, --limit <rows>', 'the last ROWS (100)')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./checkpoints.ts')).checkpoints({ ...globals(), ...options }, session));
  add('diff <session> [a] [b]', 'show what changed since a checkpoint, or between two')
    .option('--stat', 'only the files, with their lines')
    .option('--json', 'the files as JSON')
    .usage('SESSION [A [B]] [--stat] [--json] [-- PATH…]')
    .addHelpText('after', DIFF_HELP)
    .action(async (session, a, b, options) => (await import('./diff.ts')).diff({ ...globals(), ...options, a, b, paths }, session));
  add('restore <session> <id> [paths...]', 'bring files of a checkpoint back')
    .option('--delete', 'delete what was made since')
    .option('-n, --dry-run', 'only say what would be done')
    .option('--json', 'as JSON')
    .usage('SESSION ID [PATH…] [--delete] [--dry-run]')
    .addHelpText('after', RESTORE_HELP)
    .action(async (session, id, words, options) =>
      (await import('./checkpoints.ts')).restore({ ...globals(), ...options, paths: [...words, ...(paths ?? [])] }, session, id),
    );
  add('report [session]', 'say who worked, what was run, allowed and changed')
    .option('--all', 'of every session')
    .option('--since <time>', 'only since 10m, 2h, 14:30, yesterday, 2026-11-22…')
    .option('--format <format>', 'markdown, html or json; by the name of FILE, else markdown')
    .option('-o, --output <file>', 'into this file instead of the standard output')
    .option('--json', 'as JSON')
    .usage('SESSION|--all [--since TIME] [--format F] [-o FILE]')
    .addHelpText('after', REPORT_HELP)
    .action(async (session, options) => (await import('../report.ts')).report({ ...globals(), ...options }, session));
}

const CHECKPOINT_HELP = `
Of the git working tree that the session is in, or else of its folder: tracked
and untracked files, without those that git ignores, are too big (64 MiB) or
cannot be read. Your own repository is not touched. Before an agent’s first
input in a folder one is made by itself. Example:
  cmdop checkpoint demo -m 'before the upgrade'`;

const DIFF_HELP = `
From checkpoint A (the newest) to B (the files as they are now). A PATH is as
--stat shows it. Example:
  cmdop diff demo 3 -- src/main.c`;

const RESTORE_HELP = `
Another checkpoint is made first, with which this can be undone. Nothing is
restored if that would overwrite what is in no checkpoint, or what is open in an
editor. Files that were made since stay, unless with --delete. Example:
  cmdop restore demo 3 src --dry-run`;

const REPORT_HELP = `
Changed files are those between checkpoints, beside who ran commands there
meanwhile. Example:
  cmdop report demo --since yesterday -o demo.html`;
