/** Asked before a signal is sent: to which process of which session. */
import { ask } from '../state/actions.ts';
import { type Dialog, findHost, findSession, toast, useApp } from '../state/store.ts';
import { hostTitle } from '../text/host-state.ts';
import { ConfirmDialog } from './dialog-frame.tsx';

export function SignalDialog({ dialog }: { dialog: Extract<Dialog, { is: 'signal' }> }) {
  const { process, signal } = dialog;
  const session = useApp((state) => findSession(state, dialog.session));
  const hasHosts = useApp((state) => state.hosts.length > 1);
  const isConnected = useApp((state) => session !== null && findHost(state, session.host)?.link.is === 'connected');
  if (!session) return null;
  const isHarmful = signal === 'SIGKILL' || signal === 'SIGTERM';
  const send = async () => {
    const { pid, birth } = process;
    const params = { session: session.id, pid, signal, ...(birth === undefined ? {} : { birth }) };
    const done = await ask({ host: session.host, method: 'processes.signal', params });
    if (done) toast(`${signal} was sent to process ${pid}.`);
  };
  return (
    <ConfirmDialog
      title={`Send ${signal} to process ${process.pid}?`}
      action={`Send ${signal}`}
      isHarmful={isHarmful}
      onConfirm={() => void send()}
    >
      <pre className="shown-text" data-testid="signalled">
        {process.command}
      </pre>
      <p>
        It runs in {session.name}
        {hasHosts && ` on ${hostTitle(session.host)}`}. {signal === 'SIGKILL' && 'It ends at once, and saves nothing. '}
        {!isConnected && 'The host is away now.'}
      </p>
    </ConfirmDialog>
  );
}
