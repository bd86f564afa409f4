/** How long a new session takes until its shell's prompt is seen by the client that asked for it. */
import { attach, type CmdopPeer } from './cmdop-peer.ts';
import { pause, Watch } from './peer.ts';
import { type DtachPeer, type TmuxPeer, untilShown } from './terminal-peers.ts';

const PROMPT = 'at-your-service';
/** The same shell for everyone, without anybody's settings. */
const SCRIPT = `PS1=${PROMPT} exec bash --norc --noprofile -i`;

/** Between new sessions, milliseconds, as when a person asks for them: the host makes the next keeper meanwhile. */
const QUIET_MS = 1_000;

/** Milliseconds. */
export type NewSession = { cmdop: number; tmux: number; dtach: number; bare: number };

export async function measureNewSession(peers: { cmdop: CmdopPeer; tmux: TmuxPeer; dtach: DtachPeer }): Promise<NewSession> {
  // A server that runs already, as the host does: one session that stays.
  const keep = await peers.tmux.start('exec cat');
  await pause(QUIET_MS);
  const times = {
    cmdop: await inCmdop(peers.cmdop),
    tmux: await inView(peers.tmux.newSessionCommand(SCRIPT)),
    dtach: await inView(peers.dtach.newSessionCommand(SCRIPT)),
    bare: await inView(['/bin/sh', '-c', SCRIPT]),
  };
  await keep.end();
  return times;
}

async function inCmdop(cmdop: CmdopPeer): Promise<number> {
  const watch = new Watch();
  const isThere = watch.until(PROMPT);
  const startedAt = performance.now();
  const client = cmdop.newClient();
  await client.whenConnected();
  const session = await cmdop.create(SCRIPT);
  const view = await attach({ client, session, listener: watch.received });
  await isThere;
  const ms = performance.now() - startedAt;
  await view.detach();
  await cmdop.end(session);
  return ms;
}

async function inView(command: readonly string[]): Promise<number> {
  const { ms, view } = await untilShown(command, PROMPT);
  view.type('exit\r');
  await view.exited;
  return ms;
}
