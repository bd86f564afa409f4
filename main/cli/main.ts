/** The `cmdop` command line: runs one command and exits with what it says (exit-codes.ts). */
import { LOCAL_HOST } from '#protocol/address.ts';
import { EXIT, exitCodeOf, sentenceOf } from './exit-codes.ts';
import { note } from './output.ts';
import { commanderExitCode, makeProgram, splitCommand } from './program.ts';
import { sentenceAbout } from './remedies.ts';

// Whoever read our output has enough of it: no failure.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
  });
}

const code = await main(process.argv.slice(2));
// Waits for what is still to be printed, but not for anything else.
process.stdout.write('', () => process.exit(code));

async function main(argv: readonly string[]): Promise<number> {
  const { own, command } = splitCommand(argv);
  const program = makeProgram(command);
  if (own.length === 0) {
    program.outputHelp({ error: true });
    return EXIT.usage;
  }
  try {
    await program.parseAsync(own, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    const ofCommander = commanderExitCode(error);
    if (ofCommander !== null) return ofCommander;
    // The host of -H, or of an address among the arguments.
    const { host = LOCAL_HOST } = program.opts<{ host?: string }>();
    note(host === LOCAL_HOST ? sentenceOf(error) : sentenceAbout(host, error));
    return exitCodeOf(error);
  }
}
