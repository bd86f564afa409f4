/** What an agent may ask of a host: an entry for every method, so that a new one is classified before it can be called. */
import { CmdopError } from '#protocol/errors.ts';
import type { Method, Params } from '#protocol/messages.ts';

/** What the policy judges: `text` in the words of its rules, in a session, or null for one that is to be made. */
export type Action = { text: string; session: string | null; folder?: string };

/**
 * `people`: they change who may do what, end the host, or make a client that is nobody's agent; `owners`: they decide
 * who may act; both are refused whatever a rule says. `join`: reads a session or enters it; `join-or-known`: without a session it reads those that the
 * agent may read unasked. `free`: nothing to judge, or
 * judged elsewhere, as input is at the gate. A function: what it does, for the policy.
 */
type Access<M extends Method> = 'people' | 'owners' | 'join' | 'join-or-known' | 'free' | ((params: Params<M>) => Action);

/** An agent may set these for a session it makes; others could run code. */
const HARMLESS_VARIABLES = /^(LANG|LANGUAGE|LC_[A-Z]+|TZ)$/;

const AGENT_ACCESS: { readonly [M in Method]: Access<M> } = {
  hello: 'free',
  ping: 'free',
  'host.watch': 'free',
  'host.status': 'free',
  'host.stop': 'people',
  'host.handoff': 'people',
  'web.open': 'people',
  'session.list': 'free',
  'session.create': ({ command, cwd, env = {} }) => {
    refuseVariables(env);
    const text = ['create', ...(command ? ['--', ...command] : [])].join(' ');
    return { text, session: null, ...(cwd === undefined ? {} : { folder: cwd }) };
  },
  'session.attach': 'join',
  'session.detach': 'free',
  'session.inspect': 'join',
  'session.screen': 'join',
  'session.rename': ({ session, name }) => ({ text: `rename ${name}`, session }),
  'session.kill': ({ session, signal }) => ({ text: `signal ${signal}`, session }),
  'session.restart': ({ session, env = {} }) => {
    refuseVariables(env);
    return { text: 'restart', session };
  },
  'session.remove': ({ session }) => ({ text: 'remove', session }),
  'session.resize': 'free',
  'session.size': 'owners',
  'session.kick': 'owners',
  'role.set': 'owners',
  'control.take': 'free',
  'control.release': 'free',
  'control.request': 'free',
  'control.grant': 'owners',
  'control.mode': 'owners',
  'agents.pause': 'owners',
  'agents.resume': 'owners',
  'input.interrupt': 'free',
  'input.withdraw': 'free',
  'output.read': 'join',
  'history.list': 'join',
  'history.count': 'join',
  'history.at': 'join',
  'journal.list': 'join',
  'journal.watch': 'join',
  'journal.verify': 'free',
  'output.timeline': 'join',
  'replay.screen': 'join',
  'replay.prepare': 'join',
  'replay.cancel': 'free',
  'search.commands': 'join-or-known',
  'search.output': 'join-or-known',
  'search.cancel': 'free',
  'ports.list': 'join',
  'ports.watch': 'join',
  'ports.unwatch': 'free',
  'ports.wait': 'join',
  'ports.forward': ({ session, port }) => ({ text: `forward ${port}`, session }),
  'ports.connect': 'free',
  'ports.close': 'free',
  'processes.list': 'join',
  'processes.signal': ({ session, pid, signal }) => ({ text: `signal ${signal} ${pid}`, session }),
  'agent.reason': 'free',
  'agent.ask': 'join',
  'approval.list': 'free',
  'approval.decide': 'people',
  'policy.get': 'free',
  'policy.set': 'people',
  'share.ssh': 'owners',
  'share.ssh.stop': 'owners',
  'share.say': 'people',
  'share.talk': 'join',
  'share.point': 'people',
  'retention.get': 'free',
  'retention.set': 'people',
  'retention.pin': 'people',
  'retention.prune': 'people',
  'checkpoint.create': 'join',
  'checkpoint.list': 'join',
  // What is in files may be more than what a session shows.
  'checkpoint.diff': ({ session }) => ({ text: 'diff', session }),
  'checkpoint.restore': ({ session, id, dryRun }) => ({ text: dryRun ? 'diff' : `restore ${id}`, session }),
  // Judged where the file really lies (files/file-access.ts).
  'files.list': 'free',
  'files.stat': 'free',
  'files.view': 'free',
  'files.read': 'free',
  'files.write': 'free',
  'files.finish': 'free',
  'files.folder': 'free',
  'files.uploads': 'people',
  'files.discard': 'people',
  'files.allow': 'owners',
  'auth.challenge': 'free',
  'auth.invite': 'people',
  'share.create': 'owners',
  'share.link': 'owners',
  'share.list': 'people',
  'share.revoke': 'owners',
  'share.socket': 'owners',
  'share.socket.status': 'people',
};

/** The word for a method that is not for the policy to judge, else what it does. Throws `unauthorized`. */
export function agentAccess<M extends Method>(method: M, params: Params<M>): 'people' | 'owners' | 'free' | Action {
  const access: Access<M> = AGENT_ACCESS[method];
  if (typeof access === 'function') return access(params);
  if (access !== 'join' && access !== 'join-or-known') return access;
  const { session = null } = params as { session?: string };
  if (session === null && access === 'join-or-known') return 'free';
  return { text: 'join', session };
}

/** Throws `unauthorized`. */
function refuseVariables(env: Record<string, string>): void {
  const variable = Object.keys(env).find((name) => !HARMLESS_VARIABLES.test(name));
  if (variable !== undefined) throw new CmdopError('unauthorized', `an agent cannot set ${variable} for a session: leave it out of env`);
}
