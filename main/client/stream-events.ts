/** What a host tells of one attachment, brought to its stream. */
import type { ConnectionEvent } from './connection.ts';
import type { SessionStream } from './session-stream.ts';

type StreamsEvent = Extract<ConnectionEvent, { params: { channel: number } }>;

/** Whether it is about an attachment, and nobody else's business. */
export const isOfStream = (event: ConnectionEvent): event is StreamsEvent => 'channel' in event.params;

export function tellStream(stream: SessionStream, { event, params }: StreamsEvent): void {
  switch (event) {
    case 'input.applied':
      return stream.applied(params);
    case 'input.refused':
      return stream.refused(params);
    case 'input.delegated':
      return stream.delegated(params);
    case 'control.changed':
      return stream.controlChanged(params);
    case 'control.requested':
      return stream.controlRequested(params);
    case 'session.kicked':
      return stream.kicked(params);
    case 'role.changed':
      return stream.roleChanged(params);
    case 'session.resized':
      return stream.resized(params);
    case 'output.gap':
      return stream.gap(params);
    case 'session.ended':
      return stream.ended(params);
    default: // output.ack is what clients say
  }
}
