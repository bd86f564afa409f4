/** What each request about control, roles and agents does. */
import { CmdopError } from '#protocol/errors.ts';
import type { Handlers } from './client-connection.ts';

type ControlMethod =
  | 'session.size'
  | 'session.kick'
  | 'role.set'
  | 'control.request'
  | 'control.grant'
  | 'control.mode'
  | 'agents.pause'
  | 'agents.resume'
  | 'input.interrupt';

export function controlMethods(): Pick<Handlers, ControlMethod> {
  const unknown = () => {
    throw new CmdopError('unknown-method', 'this host does not do that yet: update cmdop on its machine');
  };
  return {
    'session.size': unknown,
    'session.kick': unknown,
    'role.set': unknown,
    'control.request': unknown,
    'control.grant': unknown,
    'control.mode': unknown,
    'agents.pause': unknown,
    'agents.resume': unknown,
    'input.interrupt': unknown,
  };
}
