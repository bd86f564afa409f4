/** `cmdop/client`: what the package gives to programs. Its types are in client.d.ts, by hand, so that they need no others. */
import { randomBytes } from 'node:crypto';
import { CmdopClient } from '#client/cmdop-client.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { personName } from '#local/person-name.ts';
import { VERSION } from '#local/version.ts';
import { LOCAL_HOST } from '#protocol/address.ts';
import { CmdopError } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import type { Transport } from '#protocol/transport.ts';
import type * as Api from './client.d.ts';
import { CommandNews } from './command-run.ts';
import { Hosted } from './hosted.ts';
import { abortable } from './wait.ts';

export { CmdopError };

export const connect: typeof Api.connect = async ({ host = LOCAL_HOST, name, kind = 'human', signal } = {}) => {
  const news = new CommandNews();
  let settle: { resolve(): void; reject(error: CmdopError): void } | null = null;
  const connected = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const client = new CmdopClient({
    identity: {
      ...{ id: newClientId(randomBytes), interface: 'cli', name: personName(name), kind, build: VERSION },
      // An agent must not drive the session that it runs in.
      ...(host === LOCAL_HOST && kind === 'agent' ? { pid: process.pid } : {}),
      ...(host === LOCAL_HOST && kind === 'agent' && process.env.CMDOP_SESSION ? { inside: process.env.CMDOP_SESSION } : {}),
    },
    connect: (given) => transportTo(host, given),
    ...(host === LOCAL_HOST ? { openKeeper: connectToKeeper } : {}),
    clock: systemClock,
    random: Math.random,
    watch: true,
    onState: (state) => {
      if (state.is === 'connected') settle?.resolve();
      else if (state.is === 'offline') settle?.reject(state.error);
    },
    onEvent: (event) => {
      if (event.event === 'command.changed') news.changed(event.params.command);
    },
  });
  try {
    await abortable(connected, signal);
  } catch (error) {
    client.close();
    throw error;
  }
  return new Hosted({ client, news, host });
};

async function transportTo(host: string, signal: AbortSignal): Promise<Transport> {
  if (host === LOCAL_HOST) return connectToHost({ start: true });
  const { reach } = await import('../remote/reach.ts');
  return reach(host, { start: true, ask: { hostKey: refuseKey, secret: async () => null, notice: () => {} }, signal });
}

/** A program cannot look at a fingerprint. */
async function refuseKey({ host }: { host: string }): Promise<boolean> {
  throw new CmdopError(
    'host-key',
    `${host} is not known here yet: connect once with \`cmdop ls -H ${host}\`, look at its key, and try again`,
  );
}
