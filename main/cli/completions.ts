/** `completions`: scripts that let a shell complete commands, options and the names of sessions. */
import type { Command } from 'commander';
import { type Globals, newClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { print } from './output.ts';

/** What a shell asks while somebody types: it must not wait, start a host or show an error. */
const COMPLETE = 'command cmdop __complete sessions 2>/dev/null';

export function completions(program: Command, shell: string): void {
  const commands = program.commands.filter((command) => !command.name().startsWith('_'));
  const script = SCRIPTS.get(shell);
  if (!script) throw new UsageError(`"${shell}" is not known here: choose bash, zsh or fish`);
  print(script(commands));
}

/** Names of the sessions of a running host, one a line. */
export async function completeSessions(globals: Globals): Promise<void> {
  const client = newClient(globals, { start: () => false, mayAsk: () => false });
  try {
    const { sessions } = await client.request('session.list', {});
    print(sessions.map(({ name }) => `${name}\n`).join(''));
  } catch {
    // without a host there is nothing to complete
  } finally {
    client.close();
  }
}

const takesSession = (command: Command) => command.registeredArguments.some((argument) => argument.name().toLowerCase() === 'session');
const subcommands = (command: Command) => command.commands.map((each) => each.name());
const choices = (command: Command) => command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
const flags = (command: Command) =>
  [...command.options.flatMap(({ short, long }) => [short, long]), '--as', '--help'].filter((flag) => flag != null);

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = [...subcommands(command), ...choices(command)].join(' ');
    const names = takesSession(command) ? `$(${COMPLETE})` : '';
    return `    ${command.name()}) flags='${flags(command).join(' ')}'; words="${[words, names].filter(Boolean).join(' ')}" ;;`;
  });
  return `# cmdop completion for bash: eval "$(cmdop completions bash)"
_cmdop() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flags= words= IFS=$' \\t\\n'
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map((command) => command.name()).join(' ')} --as --help --version' -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) return ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) [ "$COMP_CWORD" -eq 2 ] && COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -o default -F _cmdop cmdop
`;
}

function zsh(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = [...subcommands(command), ...choices(command)];
    const lines = [
      ...(words.length > 0 ? [`compadd -- ${words.join(' ')}`] : []),
      ...(takesSession(command) ? [`compadd -- \${(f)"$(${COMPLETE})"}`] : []),
    ];
    return `    ${command.name()}) flags=(${flags(command).join(' ')}); (( CURRENT == 3 )) && [[ $PREFIX != -* ]] && { ${lines.join('; ') || ':'} } ;;`;
  });
  return `#compdef cmdop
# cmdop completion for zsh: eval "$(cmdop completions zsh)", after compinit
_cmdop() {
  local -a commands flags
  commands=(
${commands.map((command) => `    '${command.name()}:${command.description().replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case $words[2] in
${cases.join('\n')}
  esac
  [[ $PREFIX == -* ]] && compadd -- $flags || (( CURRENT == 3 )) || _files
}
compdef _cmdop cmdop
`;
}

function fish(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap((command) => {
    const seen = `-n '__fish_seen_subcommand_from ${command.name()}'`;
    const words = [...subcommands(command), ...choices(command)];
    return [
      `complete -c cmdop -f -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.description())}`,
      ...(takesSession(command) ? [`complete -c cmdop -f ${seen} -a '(${COMPLETE})'`] : []),
      ...(words.length > 0 ? [`complete -c cmdop -f ${seen} -a ${quoted(words.join(' '))}`] : []),
      ...command.options.map(({ long, description, required }) => {
        return `complete -c cmdop ${seen} -l ${long?.slice(2) ?? ''}${required ? ' -r' : ''} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# cmdop completion for fish: cmdop completions fish | source\n${lines.join('\n')}\ncomplete -c cmdop -l as -r -d 'name of the actor'\n`;
}

const SCRIPTS = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
