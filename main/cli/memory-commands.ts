/** The commands about what sessions remember, with their options and help. */
import type { Command } from 'commander';
import { addCheckpointCommands } from './checkpoints/commands.ts';
import type { Globals } from './connect.ts';
import { EXPORT_FORMATS } from './export/formats.ts';

/** `behind`: the words behind `--`, of commands that take some. */
export function addMemoryCommands(
  add: (usage: string, description: string) => Command,
  globals: () => Globals,
  behind: readonly string[] | null,
): void {
  addCheckpointCommands(add, globals, behind);
  add('search <text>', 'look for a text in the commands and the output of all sessions')
    .option('--session <session>', 'only there')
    .option('--commands', 'only in command lines')
    .option('--output', 'only in output')
    .option('-e, --regex', 'TEXT is a regular expression (RE2’s syntax)')
    .option('-i, --ignore-case', 'capital or not')
    .option('--since <time>', 'only what came since 10m, 2h, 14:30, yesterday, 2026-11-22…')
    .option('-n, --limit <hits>', 'the newest HITS of each kind (500)')
    .option('--json', 'as JSON, one object a line')
    .usage('TEXT [--session SESSION] [--commands | --output] [-e] [-i]')
    .addHelpText('after', SEARCH_HELP)
    .action(async (text, options) => (await import('./search.ts')).search({ ...globals(), ...options }, text));
  add('export <session>', `write a session to a file: ${EXPORT_FORMATS.map(({ name }) => name).join(', ')}`)
    .requiredOption('--format <format>', 'one of those below')
    .option('-o, --output <file>', 'into this file instead of the standard output')
    .option('--from <place>', 'from this time on, or from an offset such as @4096')
    .option('--to <place>', 'up to this time or offset')
    .usage('SESSION --format FORMAT [-o FILE] [--from P] [--to P]')
    .addHelpText('after', EXPORT_HELP)
    .action(async (session, options) => (await import('./export.ts')).exportSession({ ...globals(), ...options }, session));
}

/** A word with what it means, in a terminal of 80 columns. */
function wrapped(name: string, description: string): string {
  const lines = [''];
  for (const word of description.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > 64) lines.push('');
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.map((line, at) => `${(at === 0 ? name : '').padEnd(13)}${line}`).join('\n');
}

const SEARCH_HELP = `
Newest first, ended sessions too. Colours and control sequences are looked
through: what you read is what is found.
  cmdop search -i 'connection refused' --since 2h
Exits with 0 if something is found, 1 if nothing is, 2 if it cannot be looked
for.`;

const EXPORT_HELP = `
${EXPORT_FORMATS.map(({ name, description }) => wrapped(name, description)).join('\n')}

  cmdop export build --format asciicast -o build.cast`;
