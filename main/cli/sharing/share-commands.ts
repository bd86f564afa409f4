/** The commands about guests, with their options and help: inviting and joining. */
import type { Command } from 'commander';
import type { Globals } from '../connect.ts';

export function addShareCommands(add: (usage: string, description: string) => Command, globals: () => Globals): void {
  add('share <session>', 'invite somebody to a session, and print what to send them')
    .option('--with <name>', 'what they are called here')
    .option('--role <role>', 'observer looks on, operator may type', 'observer')
    .option('--expires <time>', 'end it after 30m, 2h, 1d…')
    .option('--key <file>', 'their public key (OpenSSH), instead of a one-time code; - reads it from standard input')
    .option('--link', 'a link for their browser')
    .option('--ssh', 'for plain ssh, by the public keys of --key or --authorized-keys')
    .option('--authorized-keys <file>', 'with --ssh: everybody in it, called as its comments say')
    .option('--stop', 'nobody comes in with ssh any more')
    .option('--listen <address:port>', 'with --link or --ssh: where this machine serves it; 127.0.0.1 by default, or where --ssh is served')
    .option('--tls-cert <file>', 'with --link: certificate, PEM')
    .option('--tls-key <file>', 'with --link: its private key, PEM')
    .option('--json', 'as JSON')
    .usage('SESSION --with NAME [--role R] [--expires TIME] [--key FILE | --link | --ssh]')
    .addHelpText('after', SHARE_HELP)
    .action(async (session, options) => (await import('./share.ts')).share({ ...globals(), ...options }, session));
  add('invites [session]', 'show who is invited to what')
    .option('--all', 'also what is over')
    .option('--json', 'as JSON')
    .action(async (session, options) => (await import('./share.ts')).invites({ ...globals(), ...options }, session));
  add('revoke <id>', 'end an invite; who is here by it is put out at once').action(async (id) =>
    (await import('./share.ts')).revoke(globals(), id),
  );
  add('join <code>', 'accept an invite to somebody’s session')
    .option('--name <name>', 'what their host is called here; the name of their machine by default')
    .option('--ssh <destination>', 'their machine is reached with SSH, as this account of yours')
    .option('--json', 'as JSON')
    .addHelpText('after', JOIN_HELP)
    .action(async (code, options) => (await import('./join.ts')).join({ ...globals(), ...options }, code));
  add('key', 'print the public key by which this command line is invited; the app has its own')
    .option('--json', 'with its fingerprint, as JSON')
    .action(async (options) => (await import('./join.ts')).key(options));
}

export function addShareSocket(host: Command, globals: () => Globals): void {
  host
    .command('share-socket')
    .description('let invited people of other accounts on this machine reach it')
    .helpOption('-h, --help', 'show this help')
    .option('--group <group>', 'those of this group')
    .option('--off', 'nobody any more')
    .option('--json', 'as JSON')
    .addHelpText('after', SOCKET_HELP)
    .action(async (options) => (await import('./share.ts')).shareSocket({ ...globals(), ...options }));
}

const SHARE_HELP = `
Whoever it is gets this one session, in this role, and nothing else of this
host: cmdop share build --with bob --role operator --expires 2h
They join with the printed line. --key instead of a code: cmdop key prints
theirs. Somebody with another account reaches this machine's host only after
cmdop host share-socket --group GROUP; a browser needs --link.

With --ssh they need nothing but ssh and a key:
cmdop share build --ssh --key bob.pub --role operator --listen 10.0.0.5:2222
They get this session in their terminal, and no shell, files or forwarding. It
listens until cmdop share build --stop, also after a crash or an upgrade of the
host. Said again it stays where it is served, unless --listen names another
place, and a key that is invited keeps its invite with the end that it has; for
another role or end revoke it first. --stop leaves the invites: shared again,
they work again.`;

const JOIN_HELP = `
Writes the host into your hosts file; then cmdop attach -H NAME SESSION, or add
it to the app. To come with the app alone, paste the code there: Join….
On another machine: cmdop join CODE --ssh you@their-machine, where you have an
account there.`;

const SOCKET_HELP = `
A second socket, for the group, on which only invited keys get anything. Stays
over restarts of the host. You must be of the group, and so must your guests.`;
