/** A client that checks its output as it comes and keeps none of it: as fast as a client can be, or as slow as asked. */
import { randomBytes } from 'node:crypto';
import type { AttachOptions } from '#client/client-options.ts';
import { CmdopClient } from '#client/cmdop-client.ts';
import type { SessionStream } from '#client/session-stream.ts';
import { systemClock } from '#local/clock.ts';
import { connectToHost } from '#local/host-connection.ts';
import { connectToKeeper } from '#local/keeper-connection.ts';
import { localPaths } from '#local/paths.ts';
import type { CmdopError } from '#protocol/errors.ts';
import { newClientId } from '#protocol/ids.ts';
import type { SessionEnd } from '#protocol/shapes.ts';
import type { Transport } from '#protocol/transport.ts';
import { firstWrongByte } from './numbered-program.ts';

export type LightView = {
  readonly stream: SessionStream;
  /** Offset after the last byte received, and how many came as output. */
  offset: number;
  bytes: number;
  snapshots: number;
  readonly gaps: { from: number; to: number }[];
  /** What is wrong with the output: a byte that the program did not print, or a jump that was not told. */
  fault: string | null;
  end: SessionEnd | null;
};

export type LightClient = {
  readonly client: CmdopClient;
  attach(session: string, options?: AttachOptions & { isNumbered?: boolean }): LightView;
  /** Resolves at the next event after which `condition` holds. */
  until(condition: () => boolean): Promise<void>;
  close(): void;
};

export type LightOptions = {
  /** Starts a host where none runs, as the app and the command line do. */
  start?: boolean;
  watch?: boolean;
  connect?: (given: AbortSignal) => Promise<Transport>;
  isHeldBy?: (error: CmdopError) => boolean;
  onState?: (state: CmdopClient['state']) => void;
};

export function lightClient(home: string, name: string, options: LightOptions = {}): LightClient {
  const paths = localPaths({ CMDOP_HOME: home });
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  const client = new CmdopClient({
    identity: { id: newClientId((n) => randomBytes(n)), interface: 'cli', name, build: 'test' },
    ...(options.connect ? {} : { openKeeper: connectToKeeper }),
    connect: options.connect ?? (() => connectToHost({ start: options.start ?? false, paths })),
    clock: systemClock,
    random: Math.random,
    watch: options.watch ?? false,
    ...(options.isHeldBy ? { isHeldBy: options.isHeldBy } : {}),
    onState: (state) => {
      options.onState?.(state);
      changed();
    },
  });
  return {
    client,
    attach: (session, { isNumbered = true, ...attach } = {}) => watch(client, { session, attach, isNumbered, changed }),
    until: (condition) =>
      new Promise((resolve) => {
        const look = () => {
          if (!condition()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    close: () => client.close(),
  };
}

function watch(
  client: CmdopClient,
  options: { session: string; attach: AttachOptions; isNumbered: boolean; changed: () => void },
): LightView {
  const { session, attach, isNumbered, changed } = options;
  const receive = (bytes: Uint8Array, parsed: () => void) => {
    const before = stream.offset;
    parsed();
    // Further frames of a snapshot's text move nothing.
    if (stream.offset === before && bytes.length > 0) return;
    if (stream.offset !== view.offset + bytes.length) view.fault ??= `from ${view.offset} it went on to ${stream.offset - bytes.length}`;
    const wrong = isNumbered ? firstWrongByte(stream.offset - bytes.length, bytes) : null;
    if (wrong !== null) view.fault ??= `byte ${wrong} is not the program's`;
    view.offset = stream.offset;
    view.bytes += bytes.length;
    changed();
  };
  const stream = client.attach(
    session,
    {
      snapshot: (_text, _size, parsed) => {
        parsed();
        view.snapshots++;
        view.offset = stream.offset;
        changed();
      },
      output: receive,
      resized: () => {},
      gap: (gap) => view.gaps.push(gap),
      refused: () => {},
      changed,
      ended: (end) => {
        view.end = end;
        changed();
      },
      failed: (error) => {
        view.fault ??= error.message;
        changed();
      },
    },
    attach,
  );
  const view: LightView = { stream, offset: 0, bytes: 0, snapshots: 0, gaps: [], fault: null, end: null };
  return view;
}
