/** What SSH can ask for beyond one session in a terminal: each is refused, and told. */
import type { Connection, Session } from 'ssh2';

/** `sort`: what it is, in words; `asked`: what of that, as the guest says it. */
export type Beyond = (sort: string, asked?: string) => void;

export function refuseOfConnection(connection: Connection, beyond: Beyond): void {
  connection.on('tcpip', (_accept, reject, { destIP, destPort }) => {
    beyond('a forwarded port', `${destIP} ${destPort}`);
    reject();
  });
  connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) => {
    beyond('a forwarded socket', socketPath);
    reject();
  });
  connection.on('request', (_accept: unknown, reject: (() => void) | undefined, name: string, info: object) => {
    if (name === 'tcpip-forward' && 'bindPort' in info && 'bindAddr' in info)
      beyond('a port here, forwarded to them', `${info.bindAddr} ${info.bindPort}`);
    if (name === 'streamlocal-forward@openssh.com' && 'socketPath' in info)
      beyond('a socket here, forwarded to them', String(info.socketPath));
    reject?.();
  });
}

export function refuseOfSession(session: Session, beyond: Beyond): void {
  session.on('exec', (_accept, reject, { command }) => {
    beyond('a command', command);
    reject?.();
  });
  session.on('subsystem', (_accept, reject, { name }) => {
    beyond('a subsystem', name);
    reject?.();
  });
  session.on('auth-agent', (_accept, reject) => {
    beyond('its ssh agent in the session');
    reject?.();
  });
  session.on('x11', (_accept, reject) => {
    beyond('its X11 display in the session');
    reject?.();
  });
}
