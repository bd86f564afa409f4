/** A host with one session, as it starts: the real session, gate and requests; only its screen is simulated. */
import type { Channel, Epoch, Offset, SessionId } from '#protocol/ids.ts';
import type { Size } from '#protocol/shapes.ts';
import type { PolicyDesk } from '../../main/host/agents/input-judge.ts';
import { Attachments } from '../../main/host/attachments.ts';
import { ClientConnection, type Handlers } from '../../main/host/client-connection.ts';
import type { Journal } from '../../main/host/journal/journal.ts';
import type { Records } from '../../main/host/journal/records.ts';
import type { SessionAccess } from '../../main/host/journal/stored-shapes.ts';
import type { KeeperLink } from '../../main/host/keepers/keeper-link.ts';
import { createHandlers, type MethodsContext } from '../../main/host/methods.ts';
import { RECALLING } from '../../main/host/sessions/delegation.ts';
import { LiveSession } from '../../main/host/sessions/live-session.ts';
import type { SessionOutput } from '../../main/host/sessions/session-output.ts';
import type { SimulatedClock, SimulatedLink } from './simulated-network.ts';

export type SimulatedHost = { session: LiveSession; connect(link: SimulatedLink): void };

export type SimulatedHostOptions = {
  session: SessionId;
  keeper: KeeperLink;
  /** As the disk has it: every host reads it. */
  access: SessionAccess;
  journal: Journal;
  records: Records;
  clock: SimulatedClock;
  desk: PolicyDesk;
  /** The gate let a unit pass that was sent in `epoch`, while the session was in `judgedIn`. */
  accepted(unit: { bytes: Uint8Array; epoch: Epoch; judgedIn: Epoch }): void;
  changed(session: LiveSession): void;
};

export function startSimulatedHost(options: SimulatedHostOptions): SimulatedHost {
  const { session: id, keeper, access, journal, records, clock, desk, accepted, changed } = options;
  const attachments = new Attachments();
  const session = new LiveSession({
    stored: {
      id,
      name: 'simulated',
      command: ['sh'],
      cwd: '/',
      title: '',
      size: { cols: 80, rows: 24 },
      createdAt: 0,
      endedAt: null,
      end: null,
      bootId: 'x',
      access,
    },
    output: silentOutput(),
    commands: {
      cwd: null,
      running: null,
      hasIntegration: false,
      onContext: () => {},
      context: () => ({
        is: 'program',
        generation: 0,
        folder: '/',
        program: null,
        drafted: [],
        alternateScreen: true,
        bracketedPaste: false,
        readsLines: false,
        isOwn: () => false,
      }),
      input: ({ bytes, epoch }: { bytes: Uint8Array; epoch: Epoch }) =>
        accepted({ bytes, epoch, judgedIn: session.summary().control.epoch }),
      unreadDropped: () => {},
    } as never,
    journal,
    records,
    clock,
    keeper,
    keeperSocket: 'simulated',
    delegatesAfter: 0,
    remembered: records.lastControl(id),
    agentsPaused: false,
    desk,
    tty: null,
    events: { changed: () => changed(session), typing: () => {} },
    shared: () => undefined,
  });
  const context: MethodsContext = {
    registry: { find: () => session } as unknown as MethodsContext['registry'],
    screens: null as never,
    records,
    attachments,
    identity: { version: 'test', build: null, startedAt: 0 },
    isPresent: () => false,
    guest: () => null,
    sees: () => true,
    kicked: () => {},
    roleSet: () => {},
    watch: () => {},
    status: unasked,
    warnings: unasked,
    stop: unasked,
    handOff: unasked,
    openWeb: unasked,
    pauseEverywhere: unasked,
    setDefaultMode: unasked,
  };
  const handlers = createHandlers(context) as Handlers; // of the rest nothing is asked here
  return {
    session,
    connect: (link) => {
      new ClientConnection(link.b, {
        handlers,
        request: (_connection, _method, params) => params,
        permit: (_connection, method) => (RECALLING.has(method) ? session.typing.delegation.over() : null),
        guestRefused: unasked,
        input: (connection, { channel, epoch, seq, bytes }) => attachments.get(connection, channel)?.input(channel, { epoch, seq, bytes }),
        acknowledged: () => {},
        drained: () => {},
        closed: (connection) => {
          for (const [channel, attached] of attachments.take(connection)) attached.cut(channel);
        },
      });
    },
  };
}

/** A program that prints nothing. */
function silentOutput(): SessionOutput {
  const size: Size = { cols: 80, rows: 24 };
  return {
    end: 0 as Offset,
    size,
    from: () => {},
    begin: async () => ({ mode: 'resume', offset: 0, size, text: new Uint8Array(0), resizeIndex: 0, replayUntil: 0 }),
    subscribe: ({ channel }: { channel: Channel }) => ({ channel, pump: () => {}, ack: () => {} }),
    unsubscribe: () => {},
  } as unknown as SessionOutput;
}

function unasked(): never {
  throw new Error('the simulation asks nothing of the kind');
}
