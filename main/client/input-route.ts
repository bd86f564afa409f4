/**
 * Which way a client's units go: to the host, or, while it has delegated typing to this client, straight to the session's
 * keeper (#protocol/delegation.ts). Output that comes of them at once comes by the same way, and from the host once more.
 *
 * Invariant 3 holds on two ways as on one, since the keeper drops what it has and units never overtake each other: a unit
 * goes straight only while every other one without a verdict went straight, too, and before one goes to the host, all of
 * those go there once more.
 */
import { encodeUse, MAX_DELEGATED_BYTES } from '#protocol/delegation.ts';
import { encodeInput, type Frame, FrameDecoder } from '#protocol/frames.ts';
import type { Epoch, Seq } from '#protocol/ids.ts';
import type { EventParams } from '#protocol/messages.ts';
import type { Transport } from '#protocol/transport.ts';
import type { SentUnit } from './input-outbox.ts';

/** Connects to a keeper of this machine, whose socket the host has named. */
export type OpenKeeper = (socket: string) => Promise<Transport>;

export type InputRouteOptions = {
  /** Absent where keepers cannot be reached. */
  openKeeper: OpenKeeper | undefined;
  toHost(unit: SentUnit): void;
  output(frame: Extract<Frame, { kind: 'output' }>): void;
};

type Straight = { readonly transport: Transport; readonly channel: EventParams<'input.delegated'>['channel']; readonly epoch: Epoch };

export class InputRoute {
  readonly #options: InputRouteOptions;
  #straight: Straight | null = null;
  /** Units that went straight and have no verdict, in order. */
  #unsettled: SentUnit[] = [];
  /** Counts delegations, so that one that was opened too late is let go. */
  #turn = 0;

  constructor(options: InputRouteOptions) {
    this.#options = options;
  }

  async delegated({ channel, epoch, socket, token }: EventParams<'input.delegated'>): Promise<void> {
    this.byHost();
    const turn = this.#turn;
    const transport = await this.#options.openKeeper?.(socket).catch(() => null); // the host goes on without
    if (!transport) return;
    if (turn !== this.#turn) return transport.close();
    const straight = { transport, channel, epoch };
    const frames = new FrameDecoder();
    transport.listen({
      received: (bytes) => {
        if (this.#straight !== straight) return;
        try {
          for (const frame of frames.push(bytes)) if (frame.kind === 'output') this.#options.output(frame);
        } catch {
          this.byHost(); // no keeper speaks like that
        }
      },
      drained: () => {},
      closed: () => {
        if (this.#straight === straight) this.byHost();
      },
    });
    transport.send(encodeUse(token));
    this.#straight = straight;
  }

  /** `isAlone`: no other unit of this stream is without a verdict. */
  send(unit: SentUnit, isAlone: boolean): void {
    const straight = this.#straight;
    const mayFollow = isAlone || this.#unsettled.length > 0;
    if (!straight || unit.epoch !== straight.epoch || unit.bytes.length > MAX_DELEGATED_BYTES || !mayFollow) {
      if (this.#unsettled.length > 0) this.byHost();
      this.#options.toHost(unit);
      return;
    }
    this.#unsettled.push(unit);
    straight.transport.send(encodeInput({ channel: straight.channel, ...unit }));
  }

  applied(upTo: Seq): void {
    if (this.#unsettled.length > 0) this.#unsettled = this.#unsettled.filter(({ seq }) => seq > upTo);
  }
  refused(seq: Seq): void {
    this.#unsettled = this.#unsettled.filter((unit) => unit.seq !== seq);
  }

  /** From here on everything goes to the host: first what went straight and has no verdict. */
  byHost(): void {
    const unsettled = this.#unsettled;
    this.cut();
    for (const unit of unsettled) this.#options.toHost(unit);
  }

  /** The link to the host is gone: its next answer says what is sent again. */
  cut(): void {
    this.#turn++;
    this.#unsettled = [];
    const straight = this.#straight;
    this.#straight = null;
    straight?.transport.close();
  }
}
