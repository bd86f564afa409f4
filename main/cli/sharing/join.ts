/** `join`, `key`: being somebody's guest. */
import { account } from '#local/account.ts';
import { fileIdentity } from '#local/identity.ts';
import { parseJoinCode } from '#local/join-code.ts';
import { localPaths } from '#local/paths.ts';
import { personName } from '#local/person-name.ts';
import { acceptInvite } from '../../remote/invite.ts';
import type { Globals } from '../connect.ts';
import { note, print, printJson } from '../output.ts';
import { ttyAsker } from '../tty-asker.ts';

export async function join(options: Globals & { name?: string; ssh?: string; json?: boolean }, text: string): Promise<void> {
  const { host, session, grant } = await acceptInvite({
    code: parseJoinCode(text),
    identity: fileIdentity(localPaths().keyFile),
    ask: ttyAsker({ mayAsk: () => true }),
    interface: 'cli',
    person: personName(options.as),
    name: options.name,
    ...(options.ssh === undefined ? {} : { ssh: options.ssh }),
  });
  if (options.json) return printJson({ host, session: session.name, name: grant.name, role: grant.role, expiresAt: grant.expiresAt });
  note(`you are ${grant.name}, ${grant.role === 'operator' ? 'an operator' : 'an observer'} of ${session.name}; come in with:`);
  print(`cmdop attach -H ${host} ${session.name}\n`);
}

export function key({ json }: { json?: boolean }): void {
  const { text, fingerprint } = fileIdentity(localPaths().keyFile).publicKey;
  if (json) return printJson({ key: text, fingerprint });
  print(`${text} ${account().name}@cmdop\n`);
  note(`${fingerprint}: send the line above to who invites you; it is no secret`);
}
