/** The commands of `cmdop`, with their options and help. What they do is loaded when one is run. */
import { Argument, Command, CommanderError } from 'commander';
import { VERSION } from '#local/version.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import { addApprovalCommands } from './approval-commands.ts';
import { type Globals, hostFor } from './connect.ts';
import { addControlCommands } from './control-commands.ts';
import { EXIT_CODES_HELP, UsageError } from './exit-codes.ts';
import { addFileCommands } from './files/file-commands.ts';
import { addHostsCommands } from './hosts-commands.ts';
import { addKeepingCommands, addServiceCommands } from './keeping/commands.ts';
import { addMemoryCommands } from './memory-commands.ts';
import { addRunningCommands } from './running/commands.ts';
import { addShareCommands, addShareSocket } from './sharing/share-commands.ts';
import { addTalkCommands } from './talking/commands.ts';

/** `command`: the words behind `--`, which are no options of ours. */
export function makeProgram(command: readonly string[] | null): Command {
  const program = new Command('cmdop')
    .description('Terminal sessions that outlive every window, shared by people and agents, with every input attributed.')
    .version(VERSION, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand(false)
    // In a terminal of 80 columns a line each: what a command takes is in its own help.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .option('-H, --host <host>', 'on this host: a Host of ~/.ssh/config, user@name:port, or a name of `cmdop hosts`')
    .option('--as <name>', 'name of the actor (else $CMDOP_ACTOR, git’s user.name, the account)')
    .usage('[-H HOST] [--as NAME] COMMAND …')
    .addHelpText(
      'after',
      `\nA SESSION is named by its name, its id or the start of one, or as\ncmdop://HOST/NAME. \`cmdop COMMAND --help\` shows what a command takes.\n\n${EXIT_CODES_HELP}\n\nAfter a crash of cmdop itself, \`reset\` repairs a terminal.`,
    )
    .exitOverride()
    .configureOutput({
      outputError: (text, write) =>
        write(
          `cmdop: ${text
            .trim()
            .replace(/^error: /, '')
            .replace(/\s*\n\s*/g, ' ')} (see \`cmdop --help\`)\n`,
        ),
    });

  const add = (usage: string, description: string) =>
    program.command(usage).description(description).helpOption('-h, --help', 'show this help');
  const globals = () => program.opts<Globals>();
  program.hook('preAction', (_, action) => {
    const sessions = action.registeredArguments.flatMap((argument, index) =>
      argument.name() === 'session' ? (action.args[index] ?? []) : [],
    );
    const host = hostFor(globals().host, sessions);
    refuseElsewhere(action, host);
    if (host !== undefined) program.setOptionValue('host', host);
  });

  attaching(add('new [name]', 'start a session here, and attach to it'))
    .option('--cwd <folder>', 'start there')
    .option('-d, --detach', 'do not attach; print the name')
    .usage('[NAME] [--cwd DIR] [--detach] [-- COMMAND…]')
    .addHelpText('after', () => NEW_HELP)
    .action(async (name, options) => (await import('./new.ts')).create({ ...globals(), ...options }, name, command ?? []));
  add('ls', 'list the sessions')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./sessions.ts')).list({ ...globals(), ...options }));
  attaching(add('attach <session>', 'join a session in this terminal'))
    .addHelpText('after', ATTACH_HELP)
    .action(async (session, options) => (await import('./attach.ts')).attach({ ...globals(), ...options }, session));
  attaching(add('restart <session>', 'open a new shell in an ended session, below its old screen'))
    .option('-d, --detach', 'do not attach; print the name')
    .usage('SESSION [--detach]')
    .addHelpText('after', RESTART_HELP)
    .action(async (session, options) => (await import('./new.ts')).restart({ ...globals(), ...options }, session));
  add('send <session> [text]', 'type a text into a session, as one unit')
    .option('-e, --enter', 'press Enter after it')
    .usage('SESSION TEXT [--enter]')
    .action(async (session, text, options) => (await import('./send.ts')).send({ ...globals(), ...options }, session, text ?? ''));
  add('run <session>', 'run a command at the prompt of a session, and wait for it')
    .option('--raw', 'print its output with colours and control sequences')
    .option('--timeout <time>', 'give up after 30s, 10m, 1h…')
    .usage('SESSION [--raw] [--timeout TIME] -- COMMAND…')
    .addHelpText('after', RUN_HELP)
    .action(async (session, options) => {
      if (!command) throw new UsageError('put the command behind two dashes: cmdop run SESSION -- COMMAND…');
      await (await import('./run.ts')).run({ ...globals(), ...options }, session, command);
    });
  add('screen <session>', 'show what is on the screen, as text')
    .option('--json', 'with cursor, size, title and modes, as JSON')
    .action(async (session, options) => (await import('./show.ts')).screen({ ...globals(), ...options }, session));
  add('who <session>', 'show who is attached')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./show.ts')).who({ ...globals(), ...options }, session));
  add('log [session]', 'show who ran what')
    .option('--actor <name>', 'only what this actor typed or submitted')
    .option('--failed', 'only what failed')
    .option('--since <time>', 'only what began since 10m, 2h, 14:30, yesterday, 2026-11-22…')
    .option('-n, --limit <rows>', 'the last ROWS (200)')
    .option('-f, --follow', 'go on with what comes')
    .option('--events', 'every event of the journal instead of commands')
    .option('--json', 'as JSON; with --follow one object a line')
    .action(async (session, options) => (await import('./log.ts')).log({ ...globals(), ...options }, session));
  add('blame <session>', 'show who made a line of output: the command, its people, when and where')
    .option('--line <number>', 'a line of the screen, counted from 1; 0 and below: above it')
    .option('--text <text>', 'the last place where this was shown')
    .option('--offset <number>', 'at this offset of the output')
    .option('--json', 'as JSON')
    .usage('SESSION --line N | --text TEXT | --offset N [--json]')
    .action(async (session, options) => (await import('./blame.ts')).blame({ ...globals(), ...options }, session));
  addMemoryCommands(add, globals, command);
  addRunningCommands(add, globals);
  add('inspect <session>', 'show the execution state: processes, modes, actors, control')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./show.ts')).inspect({ ...globals(), ...options }, session));
  add('rename <session> <name>', 'give a session another name').action(async (session, name) =>
    (await import('./sessions.ts')).rename(globals(), session, name),
  );
  add('kill <session>', 'end a session (SIGHUP), or take an ended one off the list')
    .option('-s, --signal <signal>', 'send this signal: TERM, KILL, INT…')
    .action(async (session, options) => (await import('./sessions.ts')).kill({ ...globals(), ...options }, session));
  addControlCommands(add, globals);
  add('verify', 'check that the journal and the files of every session and of the host are whole')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./log.ts')).verify({ ...globals(), ...options }));
  add('web', 'open cmdop for a browser on this machine; prints a one-time URL')
    .option('--port <number>', 'on this port')
    .action(async (options) => (await import('./host.ts')).web({ ...globals(), ...options }));
  add('mcp', 'serve AI agents over MCP, on standard input and output')
    .option('--http', 'over HTTP on this machine instead, with a token')
    .option('--port <number>', 'with --http: on this port')
    .option('--allow-own-session', 'let the agent type into the session that it runs in')
    .option('--print-config <client>', 'print what the settings of an agent’s client need: claude, codex, cursor, vscode…')
    .addHelpText('after', MCP_HELP)
    .action(async (options) => (await import('./mcp.ts')).mcp({ ...globals(), ...options }));

  addShareCommands(add, globals);
  addApprovalCommands(add, globals);
  addFileCommands(add, globals);
  addTalkCommands(add, globals);
  addKeepingCommands(add, globals);

  const host = add('host', 'the process behind the sessions');
  for (const [name, description] of [
    ['status', 'show whether and how it runs'],
    ['start', 'start it, if it does not run'],
    ['stop', 'stop it; the sessions go on'],
  ] as const) {
    host
      .command(name)
      .description(description)
      .option('--json', 'as JSON')
      .action(async (options) => (await import('./host.ts'))[name]({ ...globals(), ...options }));
  }
  host
    .command('upgrade')
    .description('put this build in its place; the sessions go on')
    .helpOption('-h, --help', 'show this help')
    .option('--force', 'even if it is of this build')
    .option('--json', 'as JSON')
    .addHelpText('after', UPGRADE_HELP)
    .action(async (options) => (await import('./host-upgrade.ts')).upgrade({ ...globals(), ...options }));

  addServiceCommands(host, globals);
  addShareSocket(host, globals);

  addHostsCommands(add, program, command);
  add('bridge', 'carry the bytes between stdin, stdout and the host of this machine: what remote clients start')
    .option('--no-start', 'only if a host runs')
    .option('--where', 'say where the host listens, and end')
    .option('--socket <path>', 'to this socket instead, at which others share their host')
    .action(async (options) => (await import('./bridge.ts')).bridge(options));

  add('completions', 'print a script that completes commands and sessions')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action(async (shell) => (await import('./completions.ts')).completions(program, shell));
  program
    .command('__complete <what>', { hidden: true })
    .action(async (what) => (await import('./completions.ts')).complete(globals(), what));
  return program;
}

/** Commands about this machine and its person: with -H they would answer for the wrong one. */
const ONLY_HERE: ReadonlySet<string> = new Set(['hosts', 'join', 'key', 'bridge', 'completions']);

function refuseElsewhere(action: Command, host: string | undefined): void {
  if (host === undefined || host === LOCAL_HOST) return;
  let top = action;
  while (top.parent?.parent) top = top.parent;
  if (!ONLY_HERE.has(top.name())) return;
  throw new UsageError(`\`${top.name()}\` is about this machine: leave out -H ${host}, or run it on ${host} itself`);
}

/** Options of every command that ends in an attached terminal. */
function attaching(command: Command): Command {
  return command
    .option('--observe', 'look on: nothing you type reaches the session')
    .option('--take', 'take control at once')
    .option('--detach-key <key>', 'detach with this key (ctrl-\\, or $CMDOP_DETACH_KEY)')
    .option('--take-key <key>', 'take control with this key (ctrl-^, or $CMDOP_TAKE_KEY)')
    .option('--talk-key <key>', 'talk to the others with this key (ctrl-], or $CMDOP_TALK_KEY)')
    .option('--predict <when>', 'draw what you type before its echo comes: slow, always or never (slow, or $CMDOP_PREDICT)');
}

const NEW_HELP = `
COMMAND runs instead of your shell. The session starts in this folder, with the
environment of the host and, from here, DISPLAY, WAYLAND_DISPLAY, XAUTHORITY,
SSH_AUTH_SOCK, SSH_CONNECTION, LANG, LANGUAGE, LC_*, TZ and PATH.
With -H it starts in the home folder there, with LANG, LANGUAGE and LC_* from
here.
Without a terminal it does not attach, but prints the name.`;

const ATTACH_HELP = `
Ctrl-\\ detaches, and the session goes on. Everything else is typed. If someone
else has control, Ctrl-^ takes it; if they ask you for yours, Ctrl-^ gives it.
Ctrl-] opens a line to talk to the others, and to point at lines (the arrows);
pressed twice it is typed.
Exits with the exit code of the session when it ends, with 0 after detaching.`;

const RESTART_HELP = `
For a session that ended with the machine, or in any other way. The shell starts
in its last folder, marked as new; its output and history go on. Nothing is run
again: the old command is only shown.`;

const UPGRADE_HELP = `
The new host must find as many sessions as run now. If it cannot, the old one
goes on with all of them, and this command says why and exits with 1. Attached
terminals and windows come back by themselves.`;

const MCP_HELP = `
The agent is called what its client calls itself, or NAME with --as. It sees
every session, and people see it, approve what it does, and take over by typing.
--http prints its address and where the token is.`;

const RUN_HELP = `
One word is typed as it is (\`-- 'make && make test'\`), several are quoted so
that they arrive as given.
Ctrl-C goes to the session; pressed twice, it gives up waiting.`;

/** Options before the command that are followed by a word. */
const TAKES_WORD = /^(--as|--host|-H)$/;

/** What is behind the first `--` of a command that takes another one; null if there is none. */
export function splitCommand(argv: readonly string[]): { own: string[]; command: string[] | null } {
  const at = argv.indexOf('--');
  const named = argv.slice(0, at < 0 ? argv.length : at);
  const subcommand = named.find((word, index) => !word.startsWith('-') && !TAKES_WORD.test(named[index - 1] ?? ''));
  if (at < 0 || !['new', 'run', 'hosts', 'diff', 'restore'].includes(subcommand ?? '')) return { own: [...argv], command: null };
  return { own: named, command: argv.slice(at + 1) };
}

/** Commander has already said what is wrong; help and version are no failures. */
export const commanderExitCode = (error: unknown): number | null => {
  if (!(error instanceof CommanderError)) return null;
  return error.exitCode === 0 ? 0 : 2;
};
