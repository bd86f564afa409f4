/** Agents as a whole: stopped and let go on, everywhere or in one session. */
import { hostTitle } from '../text/host-state.ts';
import { ask } from './actions.ts';
import { app, type HostedSession, toast } from './store.ts';

/** On every host of this window that is ours; which of them is not reached is said, since agents go on there. */
export async function pauseAgents(isPaused = true): Promise<void> {
  const hosts = app.get().hosts.filter(({ guest }) => guest === null);
  const method = isPaused ? 'agents.pause' : 'agents.resume';
  const reached = hosts.filter(({ link }) => link.is === 'connected');
  const missed = hosts.filter(({ link, sessions }) => link.is !== 'connected' && sessions !== null);
  await Promise.all(reached.map(({ name }) => ask({ host: name, method, params: {} })));
  if (missed.length > 0 && isPaused) {
    const names = missed.map(({ name }) => hostTitle(name)).join(', ');
    toast(`Not paused on ${names}: not connected. Agents there go on until it is reached and paused.`, 'error');
  }
}

export async function pauseAgentsIn(session: HostedSession, isPaused = true): Promise<void> {
  await ask({ host: session.host, method: isPaused ? 'agents.pause' : 'agents.resume', params: { session: session.id } });
}
