/** `share`, `invites`, `revoke`, `host share-socket`: who may come to this host's sessions. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ParamsInput } from '#protocol/messages.ts';
import type { GuestRole, Invite } from '#protocol/sharing.ts';
import { commandFor, type Globals, sentenceFor, sessionRef, withClient } from '../connect.ts';
import { UsageError } from '../exit-codes.ts';
import { dim, note, print, printJson, tableWidth } from '../output.ts';
import { type Column, formatTable } from '../table.ts';
import { parseDuration, showAge, showDuration } from '../times.ts';
import { type SshWanted, shareBySsh, stop } from './ssh.ts';

type ShareOptions = Globals & {
  with?: string;
  role: string;
  ssh?: boolean;
  authorizedKeys?: string;
  stop?: boolean;
  expires?: string;
  key?: string;
  link?: boolean;
  listen?: string;
  tlsCert?: string;
  tlsKey?: string;
  json?: boolean;
};

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'WHO', shrink: 'end' },
  { title: 'ROLE' },
  { title: 'SESSION', shrink: 'end' },
  { title: 'BY', shrink: 'end' },
  { title: 'STATE' },
  { title: 'ENDS', align: 'right' },
];

export async function share(options: ShareOptions, session: string): Promise<void> {
  if (options.stop) return stop(options, session);
  if (options.ssh) return shareBySsh(options, session, sshWanted(options));
  if (options.authorizedKeys !== undefined) throw new UsageError('--authorized-keys is for --ssh');
  if (options.with === undefined) throw new UsageError('say whom: --with NAME');
  const wanted = {
    session: sessionRef(session),
    name: options.with,
    role: roleIn(options.role),
    ...(options.expires === undefined ? {} : { expiresInMs: expiryIn(options.expires) }),
  };
  if (options.link) return link(options, wanted);
  if (options.listen !== undefined || options.tlsCert !== undefined || options.tlsKey !== undefined)
    throw new UsageError('--listen, --tls-cert and --tls-key are for --link, and --listen also for --ssh');
  const key = options.key === undefined ? {} : { key: textOf(options.key) };
  const answer = await withClient(options, (client) => client.request('share.create', { ...wanted, ...key }));
  if (options.json) return printJson(answer);
  const { invite, code } = answer;
  said(options, invite, answer.note);
  note(
    invite.key === null
      ? 'send them this line; it works once, within a day:'
      : `send them this line; it works with the key ${invite.key} alone:`,
  );
  print(`cmdop join ${code}\n`);
}

function sshWanted(options: ShareOptions): SshWanted {
  const { role, expires, listen, key, authorizedKeys, link: isLink, tlsCert, tlsKey } = options;
  if (isLink) throw new UsageError('--link is for browsers and --ssh for ssh: choose one');
  if (tlsCert !== undefined || tlsKey !== undefined) throw new UsageError('--tls-cert and --tls-key are for --link');
  return {
    role: roleIn(role),
    expiresInMs: expires === undefined ? undefined : expiryIn(expires),
    listen: listen === undefined ? null : listenIn(listen),
    key: key === undefined ? null : textOf(key),
    name: options.with ?? null,
    authorizedKeys: authorizedKeys === undefined ? null : textOf(authorizedKeys),
  };
}

async function link(options: ShareOptions, wanted: ParamsInput<'share.link'>): Promise<void> {
  if (options.key !== undefined) throw new UsageError('a link is for whoever opens it: leave out --key');
  if ((options.tlsCert === undefined) !== (options.tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key go together');
  const { tlsCert, tlsKey } = options;
  const place = options.listen === undefined ? null : listenIn(options.listen);
  const answer = await withClient(options, (client) =>
    client.request('share.link', {
      ...wanted,
      ...(place === null ? {} : { listen: { ...place, address: place.address ?? '127.0.0.1' } }),
      ...(tlsCert === undefined || tlsKey === undefined ? {} : { tls: { cert: resolve(tlsCert), key: resolve(tlsKey) } }),
    }),
  );
  if (options.json) return printJson(answer);
  said(options, answer.invite, answer.note);
  note('send them this link; the first browser that accepts it has it:');
  print(`${answer.url}\n`);
}

export async function invites(options: Globals & { all?: boolean; json?: boolean }, session?: string): Promise<void> {
  const { invites: all } = await withClient(options, (client) =>
    client.request('share.list', session === undefined ? {} : { session: sessionRef(session) }),
  );
  const shown = options.all ? all : all.filter(({ state }) => state === 'open' || state === 'used');
  if (options.json) return printJson(shown);
  if (shown.length === 0) {
    note(`nobody is invited: \`${commandFor(options, 'share SESSION --with NAME')}\``);
    return;
  }
  const now = Date.now();
  const rows = shown.map((invite) => [
    invite.id,
    invite.name,
    invite.role,
    invite.sessionName,
    invite.key ?? (invite.way === 'link' ? 'link' : 'code'),
    { text: invite.state, style: dim },
    invite.expiresAt === null
      ? 'never'
      : invite.expiresAt <= now
        ? `${showAge(now - invite.expiresAt)} ago`
        : `in ${showDuration(invite.expiresAt - now)}`,
  ]);
  print(formatTable(COLUMNS, rows, tableWidth()));
}

export async function revoke(globals: Globals, id: string): Promise<void> {
  const { invite } = await withClient(globals, (client) => client.request('share.revoke', { id }));
  note(`${invite.name} may not come to ${invite.sessionName} any more${invite.state === 'expired' ? '; the invite had expired' : ''}`);
}

export async function shareSocket(options: Globals & { group?: string; off?: boolean; json?: boolean }): Promise<void> {
  const { group, off } = options;
  if (group !== undefined && off) throw new UsageError('--group opens it and --off closes it: choose one');
  const answer = await withClient(options, (client) =>
    group === undefined && !off ? client.request('share.socket.status', {}) : client.request('share.socket', { group: group ?? null }),
  );
  if (options.json) return printJson(answer);
  if (answer.socket === null) note('closed: only this account reaches the host');
  else note(`invited people of the group ${answer.group} reach this host at ${answer.socket}`);
}

function said(globals: Globals, { id, name, role, sessionName, expiresAt }: Invite, missing: string | undefined): void {
  const until =
    expiresAt === null ? `until \`cmdop revoke ${id}\`` : `for ${showDuration(expiresAt - Date.now())} (\`cmdop revoke ${id}\` ends it)`;
  note(sentenceFor(globals, `${name} is invited to ${sessionName} as ${role}, ${until}`));
  if (missing !== undefined) note(sentenceFor(globals, missing));
}

function roleIn(text: string): GuestRole {
  if (text === 'observer' || text === 'operator') return text;
  throw new UsageError(`${text} is no role of a guest: observer or operator`);
}

function expiryIn(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < 1_000) throw new UsageError(`${text} is no time to expire after: 30m, 2h, 1d…`);
  return Math.round(ms);
}

/** `ADDRESS:PORT`, `[IPv6]:PORT`, or one of the two. */
function listenIn(text: string): { address: string | null; port: number } {
  const [, v6, host, port] = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = v6 ?? host;
  if (address === undefined || Number(port ?? 0) > 65_535) throw new UsageError(`${text} is no ADDRESS:PORT`);
  return { address: address === '' ? null : address, port: Number(port ?? 0) };
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`the key ${file} cannot be read: ${(error as Error).message}`);
  }
}
