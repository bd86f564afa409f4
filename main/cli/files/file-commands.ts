/** The commands about files, with their options and help. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

export function addFileCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('files <session> [path]', 'list files on the machine of a session, from its folder on')
    .option('-a, --all', 'also those whose names begin with a dot')
    .option('--sort <by>', 'name, size or modified')
    .option('-r, --reverse', 'the other way round')
    .option('--uploads', 'uploads that were cut instead, which go on when they are begun again')
    .option('--discard <id>', 'remove what is there of an upload that was cut')
    .option('--observers <on|off>', 'let observers read what is in the session’s folder and below it, or not')
    .option('--json', 'as JSON')
    .addHelpText('after', FILES_HELP)
    .action(async (session, path, options) => (await import('./list.ts')).files({ ...globals(), ...options }, session, path));
  add('cp <source> [more...]', 'copy files between here and the machine of a session')
    .option('-r, --recursive', 'folders, with what is in them')
    .option('-f, --force', 'overwrite what is there')
    .option('--json', 'one object a line for each file: from, to, bytes, sha256')
    .usage('[-r] [-f] FILE… SESSION:PATH | SESSION:PATH… FILE')
    .addHelpText('after', COPY_HELP)
    .action(async (source, more, options) => (await import('./copy.ts')).copy({ ...globals(), ...options }, [source, ...more]));
}

const FILES_HELP = `
Example: cmdop files api src
What a name hides, such as a line end, is written out: ‹^J›.`;

const COPY_HELP = `
Example: cmdop cp report.pdf api:        cmdop cp -r api:logs .
A PATH goes from the session's folder; - is standard input or output. After a
cut the copy goes on by itself, and the same command goes on where an earlier
one was given up. A file is in its place whole, and hashed, or not at all.
Links in folders are followed to files; those to folders are left out.`;
