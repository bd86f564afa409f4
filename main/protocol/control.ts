/** Requests about who may act in a session: control, roles, agents, and whose window decides the size. */
import { z } from 'zod';
import { channel, control, controlMode, integer, offset, role, sessionRef, sessionSummary, sizePolicy } from './shapes.ts';

/** An actor's id or name, or the id of a client: who it means, a host resolves. */
const actorRef = z.string().min(1).max(256);
/** Output of a session that somebody was not shown, offsets. */
export const outputRange = z.object({ from: offset, to: offset });

export const CONTROL_METHODS = {
  /** Whose window decides the size, or which size it is. For operators and owners. */
  'session.size': { params: z.object({ session: sessionRef, policy: sizePolicy }), result: z.object({ session: sessionSummary }) },
  /**
   * Detaches an actor from a session at once; it cannot attach or look again until an owner gives it a role. For human
   * owners. `clients`: how many were attached.
   */
  'session.kick': { params: z.object({ session: sessionRef, actor: actorRef }), result: z.object({ clients: integer }) },
  /** Gives an actor, by its name in every interface, a role in a session: also to one that was kicked. For human owners. */
  'role.set': { params: z.object({ session: sessionRef, actor: actorRef, role }), result: z.object({ session: sessionSummary }) },
  'control.take': {
    /** Without `force`: only if nobody holds it, or may lose it by typing (turns). */
    params: z.object({ channel, force: z.boolean().default(false) }),
    /** `missed`: what the program printed since this agent lost control. */
    result: z.object({ control, missed: outputRange.optional() }),
  },
  'control.release': { params: z.object({ channel }), result: z.object({ control }) },
  /**
   * Asks whoever has control to give it: `control.requested` reaches every human operator. `granted`: nobody stood in
   * the way, the asker has it.
   */
  'control.request': {
    params: z.object({ channel, reason: z.string().max(500).default('') }),
    result: z.object({ granted: z.boolean(), control, missed: outputRange.optional() }),
  },
  /** Gives control to someone attached. For the human who holds it, and for human owners. */
  'control.grant': { params: z.object({ session: sessionRef, to: actorRef }), result: z.object({ control }) },
  /** Of one session; without one, of sessions made from now on. For human owners. */
  'control.mode': { params: z.object({ session: sessionRef.optional(), mode: controlMode }), result: z.object({ mode: controlMode }) },
  /**
   * Stops every agent, in one session or everywhere: their control is revoked, what they typed and has no verdict yet is
   * refused, and so is everything new, until resumed; also across restarts of the host. For humans; resume for owners.
   */
  'agents.pause': { params: z.object({ session: sessionRef.optional() }), result: z.object({ agentsPaused: z.boolean() }) },
  'agents.resume': { params: z.object({ session: sessionRef.optional() }), result: z.object({ agentsPaused: z.boolean() }) },
  /**
   * Ctrl-C that overtakes what is queued: SIGINT to the foreground job where the terminal would send it (`signal`), else
   * the byte before all input that has not begun to reach the program (`byte`). Needs what typing needs.
   */
  'input.interrupt': { params: z.object({ channel }), result: z.object({ how: z.enum(['signal', 'byte']), control }) },
  /** Takes back what this client has sent and the policy has not let pass: it is refused, and nobody is asked about it any more. */
  'input.withdraw': { params: z.object({ channel }), result: z.object({ units: integer }) },
} as const;
