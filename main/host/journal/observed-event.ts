/** A record of the journal as observers of its session get it: of a process that was signalled the program, not its arguments. */
import type { JournalEvent } from '#protocol/shapes.ts';
import { programName } from '../processes/program-name.ts';

export function observedEvent(event: JournalEvent): JournalEvent {
  const { command } = event.payload;
  if (event.kind !== 'signal' || typeof command !== 'string') return event;
  return { ...event, payload: { ...event.payload, command: programName(command) } };
}
