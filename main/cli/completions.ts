/** `completions`: scripts that let a shell complete commands, options, and the names of sessions and hosts. */
import type { Command } from 'commander';
import { type Globals, newClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { print } from './output.ts';

/** What a shell asks while somebody types: it must not wait for long, start a host, ask or show an error. */
const COMPLETE = 'command cmdop __complete sessions 2>/dev/null';
const COMPLETE_FAR = `command cmdop \${host:+-H "$host"} __complete sessions 2>/dev/null`;
const COMPLETE_HOSTS = 'command cmdop __complete hosts 2>/dev/null';
/** Longest that another machine may take to answer, milliseconds. */
const PATIENCE_MS = 2_000;

export function completions(program: Command, shell: string): void {
  const commands = program.commands.filter((command) => !command.name().startsWith('_'));
  const script = SCRIPTS.get(shell);
  if (!script) throw new UsageError(`"${shell}" is not known here: choose bash, zsh or fish`);
  print(script(commands));
}

/** Names of the sessions of a running host, or of hosts, one a line. */
export async function complete(globals: Globals, what: string): Promise<void> {
  if (what === 'hosts') {
    const { listHosts } = await import('../remote/list-hosts.ts');
    const hosts = await listHosts({ notice: () => {} });
    print(hosts.map(({ name }) => `${name}\n`).join(''));
    return;
  }
  const client = newClient(globals, { start: () => false, mayAsk: () => false });
  setTimeout(() => client.close(), PATIENCE_MS).unref();
  try {
    const sessions = await client.sessions();
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
  [...command.options.flatMap(({ short, long }) => [short, long]), '--as', '--host', '-H', '--help'].filter((flag) => flag != null);

function bash(commands: readonly Command[]): string {
  const cases = commands.map((command) => {
    const words = [...subcommands(command), ...choices(command)].join(' ');
    const names = takesSession(command) ? `$(${COMPLETE_FAR})` : '';
    return `    ${command.name()}) flags='${flags(command).join(' ')}'; words="${[words, names].filter(Boolean).join(' ')}" ;;`;
  });
  return `# cmdop completion for bash: eval "$(cmdop completions bash)"
_cmdop() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at=$COMP_CWORD host= flags= words= typed IFS=$' \\t\\n'
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD-1]} in -H|--host) COMPREPLY=($(compgen -W "$(${COMPLETE_HOSTS})" -- "$cur")); return ;; esac
  typed=("\${COMP_WORDS[@]}")
  while [ "$at" -gt 2 ]; do
    case \${typed[1]} in -H|--host) host=\${typed[2]} ;; --as) ;; *) break ;; esac
    typed=("\${typed[0]}" "\${typed[@]:3}"); at=$((at - 2))
  done
  if [ "$at" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map((command) => command.name()).join(' ')} --as --host -H --help --version' -- "$cur"))
    return
  fi
  case \${typed[1]} in
${cases.join('\n')}
    *) return ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
    *) [ "$at" -eq 2 ] && COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
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
      ...(takesSession(command) ? [`compadd -- \${(f)"$(${COMPLETE_FAR})"}`] : []),
    ];
    return `    ${command.name()}) flags=(${flags(command).join(' ')}); (( CURRENT == 3 )) && [[ $PREFIX != -* ]] && { ${lines.join('; ') || ':'} } ;;`;
  });
  return `#compdef cmdop
# cmdop completion for zsh: eval "$(cmdop completions zsh)", after compinit
_cmdop() {
  local host=
  local -a commands flags
  [[ $words[CURRENT-1] == (-H|--host) ]] && { compadd -- \${(f)"$(${COMPLETE_HOSTS})"}; return }
  while (( CURRENT > 3 )) && [[ $words[2] == (-H|--host|--as) ]]; do
    [[ $words[2] == --as ]] || host=$words[3]
    words[2,3]=()
    (( CURRENT -= 2 ))
  done
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
  return `# cmdop completion for fish: cmdop completions fish | source\n${lines.join('\n')}\ncomplete -c cmdop -l as -r -d 'name of the actor'\ncomplete -c cmdop -s H -l host -r -f -a '(${COMPLETE_HOSTS})' -d 'on this host'\n`;
}

const SCRIPTS = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
