/** Why somebody cannot type in a session now, and what they can do, as sentences. */
import { CmdopError } from '#protocol/errors.ts';
import type { Actor, Control } from '#protocol/shapes.ts';
import { type TakeResult, TURN_QUIET_MS } from '#session/control-lease.ts';
import type { Refused } from './session-input.ts';
import { agentsPausedError } from './session-roles.ts';

type Place = { control: Control; name: string; actor: Actor };

/** The answer to somebody who asked for control and does not get it. */
export function deniedError(result: Extract<TakeResult, { granted: false }>, place: Place): CmdopError {
  const { control, name, actor } = place;
  switch (result.why) {
    case 'agents-paused':
      return agentsPausedError(name);
    case 'locked':
      return new CmdopError('control-held', `${name} is locked and nobody has control: take it to type`, { holder: null, freeInMs: null });
    case 'held': {
      const holder = control.holder?.actor.name ?? 'someone else';
      const data = { holder: control.holder?.actor ?? null, freeInMs: result.freeInMs };
      return new CmdopError('control-held', heldMessage(holder, result.freeInMs, place), data);
    }
  }
  function heldMessage(holder: string, freeInMs: number | null, { control, actor: asker }: Place): string {
    if (asker.kind === 'agent' && control.holder?.actor.kind === 'human') {
      return `${holder} has control, and an agent never takes it from a person; ask them to release it, with a request for control`;
    }
    if (freeInMs === null)
      return `${holder} has control and ${name} is locked: take control, or ask ${holder} to grant it to ${actor.name}`;
    return `${holder} is typing; wait ${Math.ceil(Math.min(freeInMs, TURN_QUIET_MS) / 1000)} s or take control`;
  }
}

/** What is said about a unit that was not typed. */
export function refusalMessage(reason: Refused['reason'], { control, name, actor }: Place): string {
  if (reason === 'observer') return `${actor.name} observes this session and cannot type; attach as operator to type`;
  if (reason === 'agents-paused') return `not typed: ${agentsPausedError(name).message}`;
  const { holder } = control;
  if (holder && actor.kind === 'agent' && holder.actor.kind === 'human') {
    return `not typed: ${holder.actor.name} (${holder.actor.interface}) has control; request it, and wait until it is given`;
  }
  if (holder) return `not typed: ${holder.actor.name} (${holder.actor.interface}) has control; take control to type`;
  if (control.mode === 'locked') return `not typed: ${name} is locked and nobody has control; take control to type`;
  if (control.mode === 'open') return 'not typed: who may type changed after you typed this; type again';
  return 'not typed: control was released meanwhile; type again';
}
