/**
 * Ctrl-C that overtakes what is queued: to the foreground job as a signal, as the terminal would send it, or, where the
 * program reads keys itself, as a byte before all input that has not begun to reach it. It is no input unit: it is
 * journaled as a signal, and repeats nothing after a reconnect, since whoever pressed it is told that it failed.
 */
import { CmdopError } from '#protocol/errors.ts';
import type { Result } from '#protocol/messages.ts';
import { interruptedGroup } from './foreground.ts';
import type { Attached, SessionClients } from './session-clients.ts';
import type { SessionControl } from './session-control.ts';
import type { SessionLife } from './session-life.ts';

const CTRL_C = Uint8Array.of(0x03);

export type InterruptOptions = {
  attached: Attached;
  life: SessionLife;
  clients: SessionClients;
  control: SessionControl;
  /** What the program has not read is not for what comes after it. */
  dropUnread(): void;
  /** The line that was being typed is gone. */
  typed(bytes: Uint8Array): void;
};

/** Takes control as typing does. Throws why not. */
export async function interrupt({
  attached,
  life,
  clients,
  control,
  dropUnread,
  typed,
}: InterruptOptions): Promise<Result<'input.interrupt'>> {
  const granted = control.take(attached, false);
  const { client } = attached;
  const { lease } = control;
  const group = await interruptedGroup(life.keeper?.hello.shellPid ?? 0);
  // Much may have happened meanwhile: a kick, a takeover, the end.
  const mayType = clients.of(client) === attached && attached.role !== 'observer' && life.isRunning;
  if (!mayType || lease.judge({ client, kind: attached.actor.kind, epoch: granted.control.epoch }) !== 'ok') {
    throw new CmdopError('control-held', control.explain('not-in-control', attached.actor));
  }
  const how = group !== null && canSignal(group) ? 'signal' : 'byte';
  life.record(attached, 'signal', { signal: 'SIGINT', by: 'interrupt', how, client });
  if (how === 'byte' || group === null) life.keeper?.urgent(CTRL_C);
  else {
    process.kill(-group, 'SIGINT');
    dropUnread();
  }
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
