/** Whether we may do in a session in front what an operator does. */
import { guestRole } from '../state/guests.ts';
import { findHost, type HostedSession, useApp } from '../state/store.ts';
import { useActiveTerminal, useTerminalView } from './use-terminal.ts';

/** Not for observers: who only looks on by choice may. */
export function useMayAct({ host }: HostedSession): boolean {
  const view = useTerminalView(useActiveTerminal());
  const isGuestObserver = useApp((state) => {
    const there = findHost(state, host);
    return there !== null && guestRole(there) === 'observer';
  });
  return !isGuestObserver && view?.isDemoted !== true;
}
