/** The commands by which people in one session show and say something to each other. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

export function addTalkCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('say <session> <text>', 'say something to everybody who sees a session; the program does not get it').action(async (session, text) =>
    (await import('./talk.ts')).say(globals(), session, text),
  );
  add('point <session>', 'mark lines of a session for everybody who sees it')
    .option('--lines <lines>', 'A..B: 1 is the first of the screen, -1 the last that shows anything')
    .option('--text <text>', 'and say this')
    .option('--clear', 'point at nothing any more')
    .option('--json', 'as JSON')
    .usage('SESSION --lines A..B [--text TEXT] | --clear')
    .addHelpText('after', POINT_HELP)
    .action(async (session, options) => (await import('./talk.ts')).point({ ...globals(), ...options }, session));
}

const POINT_HELP = `
The lines are marked for 15 seconds in your colour, in windows and in attached
terminals: cmdop point demo --lines -5..-1 --text 'see the second one'
In an attached terminal Ctrl-] does both.`;
