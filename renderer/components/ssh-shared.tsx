/** That plain ssh is served for a session: the line for guests, the key they compare, and its end. */
import { LOCAL_HOST } from '#protocol/address.ts';
import { ask, copyText } from '../state/actions.ts';
import { sshLine } from '../state/guests.ts';
import { isOwner } from '../state/sharing.ts';
import type { HostedSession } from '../state/store.ts';

export function SshShared({ session }: { session: HostedSession }) {
  const ssh = session.shared?.ssh;
  if (!ssh || !isOwner(session)) return null;
  const line = sshLine(session.name, session.id, ssh);
  const stop = () => ask({ host: session.host, method: 'share.ssh.stop', params: { session: session.id } });
  return (
    <section className="ssh-shared" aria-label="Shared by SSH" data-testid="ssh-shared">
      <h3 className="list-title">Shared by SSH{session.host !== LOCAL_HOST && ` on ${session.host}`}</h3>
      <code className="shown-text">{line}</code>
      {ssh.hostKey !== undefined && (
        <p className="dim" title="Guests compare this with what their ssh shows at first">
          key <code>{ssh.hostKey}</code>
        </p>
      )}
      <div className="buttons">
        <button type="button" className="button quiet" onClick={() => void copyText(line, 'Line for guests copied.')}>
          Copy line
        </button>
        <button type="button" className="button" onClick={() => void stop()}>
          Stop sharing
        </button>
      </div>
    </section>
  );
}
