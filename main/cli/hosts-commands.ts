/** The commands about other machines' hosts: their names, and cmdop's way to them. */
import type { Command } from 'commander';

type Add = (usage: string, description: string) => Command;

/** `command`: the words behind `--`. */
export function addHostsCommands(add: Add, program: Command, command: readonly string[] | null): void {
  const hosts = add('hosts', 'list the hosts that have a name here')
    .option('--json', 'as JSON')
    .addHelpText('after', HOSTS_HELP)
    .action(async (options) => (await import('./hosts.ts')).list(options));
  hosts
    .command('add <name>')
    .description('name a host that a command reaches')
    .helpOption('-h, --help', 'show this help')
    .usage('NAME -- COMMAND…')
    .action(async (name) => (await import('./hosts.ts')).add(name, command));
  hosts
    .command('remove <name>')
    .description('forget a name')
    .helpOption('-h, --help', 'show this help')
    .action(async (name) => (await import('./hosts.ts')).remove(name));
  hosts
    .command('install <host>')
    .description('bring cmdop to a machine, over SSH or by its command, into your home there')
    .helpOption('-h, --help', 'show this help')
    .option('-y, --yes', 'without asking')
    .option('--json', 'as JSON')
    .addHelpText('after', INSTALL_HELP)
    .action(async (host, options) => (await import('./hosts-install.ts')).installOn(host, options));
  program
    .command('__installed <from> <folder>', { hidden: true })
    .action(async (from, folder) => (await import('./hosts-install.ts')).installed(from, folder));
}

const HOSTS_HELP = `
A host is \`local\`, a Host of ~/.ssh/config, user@name:port, or a name in the
hosts file, which says which command reaches it: docker exec -i CONTAINER cmdop
bridge, kubectl exec -i POD -- cmdop bridge, sudo -nu USER cmdop bridge…`;

const INSTALL_HELP = `
It goes to ~/.local/share/cmdop, with a link ~/.local/bin/cmdop; nothing needs
root. A broken upload goes on where it was. Older versions stay while they have
sessions; a host that runs there is replaced, and its sessions go on.`;
