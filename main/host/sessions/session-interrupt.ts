/**
 * Ctrl-C that overtakes what is queued: to the foreground job as a signal, as the terminal would send it, or, where the
 * program reads keys itself, as a byte. Input that has not reached the terminal yet goes no further. It is no input unit: it is
 * journaled as a signal, and repeats nothing after a reconnect, since whoever pressed it is told that it failed.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import { interruptedGroup } from './foreground.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { SessionControl } from './session-control.ts';
import type { SessionLife } from './session-life.ts';
import type { UnreadInput } from './unread-input.ts';

const CTRL_C = Uint8Array.of(0x03);

export type InterruptOptions = {
  attached: Attached;
  life: SessionLife;
  clients: SessionClients;
  control: SessionControl;
  unread: UnreadInput;
  /** The line that was being typed is gone. */
  typed(bytes: Uint8Array): void;
};

/** Takes control as typing does. Throws why not. */
export async function interrupt({ attached, life, clients, control, unread, typed }: InterruptOptions): Promise<Result<'input.interrupt'>> {
  const granted = control.take(attached, false);
  const { client } = attached;
  const { lease } = control;
  const message = `not typed: ${attached.actor.name} interrupted the program before it read this`;
  // What the program has not read is not for what comes after it; an agent takes back only its own.
  const [group, taken] = await Promise.all([
    interruptedGroup(life.keeper?.hello.shellPid ?? 0),
    unread.takeBack(attached.actor.kind === 'agent' ? [client] : null, { reason: 'rejected', message }),
  ]);
  const isSignal = group !== null && canSignal(group);
  if (isSignal && taken.length > 0) unread.dropUnread({ isKept: true });
  // Much may have happened meanwhile: a kick, a takeover, the end.
  const mayType = clients.of(client) === attached && attached.role !== 'observer' && life.isRunning;
  if (!mayType || lease.judge({ client, kind: attached.actor.kind, epoch: granted.control.epoch }) !== 'ok') {
    throw new CmdopError('control-held', control.explain('not-in-control', attached.actor));
  }
  const how = isSignal ? 'signal' : 'byte';
  life.record(attached, 'signal', { signal: 'SIGINT', by: 'interrupt', how, client });
  if (isSignal) {
    process.kill(-group, 'SIGINT');
    unread.dropUnread({ isKept: true });
  } else life.keeper?.urgent(Uint8Array.of(...unread.endOfPaste(taken), ...CTRL_C));
  typed(CTRL_C);
  return { how, control: control.control() };
}

/** Not where the job belongs to another user, as below sudo: there only its terminal can. */
function canSignal(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false; // not ours, or gone just now
  }
}
