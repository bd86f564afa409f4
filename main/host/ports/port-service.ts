/** What the requests about ports do: lists, watching them, and forwards. */
import type { PORT_METHODS } from '#protocol/ports.ts';
import type { Journal } from '../journal/journal.ts';
import type { Registry } from '../registry.ts';
import type { Service } from '../service.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { Forwards } from './forwards.ts';
import { PortWaits } from './port-waits.ts';
import { PortWatch } from './port-watch.ts';
import { toldPorts } from './told-ports.ts';

export function portService(context: { registry: Registry; journal: Journal }): Service<keyof typeof PORT_METHODS> {
  const { registry, journal } = context;
  const watch = new PortWatch({ now: () => performance.now() });
  const waits = new PortWaits();
  const forwards = new Forwards({ journal, ports: watch });
  const { seen } = sessionLookups(registry);
  return {
    handlers: {
      async 'ports.list'(connection, params, answer) {
        const session = seen(connection, params.session);
        answer({ ports: toldPorts(await watch.look(session), session, connection) });
      },
      async 'ports.watch'(connection, params, answer) {
        const session = seen(connection, params.session);
        const ports = await watch.watch(connection, session, params.isOpen);
        answer({ session: session.id, ports: toldPorts(ports, session, connection) });
      },
      'ports.unwatch'(connection, params, answer) {
        watch.unwatch(connection, registry.find(params.session));
        answer({});
      },
      async 'ports.wait'(connection, params, answer) {
        seen(connection, params.session);
        answer({ isListening: await waits.wait(connection, params) });
      },
      async 'ports.forward'(connection, params, answer) {
        const session = seen(connection, params.session);
        const { port, any } = params;
        const forward = await forwards.open(connection, session, { port, any });
        answer({ forward, session: session.id, sessionName: session.name, port });
      },
      async 'ports.connect'(connection, { forward }, answer) {
        const { stream, begin } = await forwards.connect(connection, forward);
        answer({ stream: stream.id });
        begin();
      },
      'ports.close'(connection, { forward }, answer) {
        forwards.close(connection, forward);
        answer({});
      },
    },
    sessionChanged(session) {
      watch.changed(session);
      forwards.changed(session);
    },
    closed(connection) {
      watch.closed(connection);
      waits.closed(connection);
      forwards.closed(connection);
    },
    dispose() {
      watch.dispose();
      waits.dispose();
    },
  };
}
