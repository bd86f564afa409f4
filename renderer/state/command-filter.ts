/** Which command records a filter lets through: the same as the host's, for records that arrive live. Pure. */
import type { SessionId } from '#protocol/ids.ts';
import type { CommandRecord } from '#protocol/shapes.ts';

/** `session` null: all; `actor` an id, empty: anyone. */
export type CommandFilter = { session: SessionId | null; actor: string; text: string; failed: boolean };

/** Whether the host would list this record for the filter. */
export function matches(command: CommandRecord, { session, actor, text, failed }: CommandFilter): boolean {
  if (session && command.session !== session) return false;
  if (actor && !command.authors.some(({ id }) => id === actor) && command.submitter?.id !== actor) return false;
  if (text && !command.text.toLowerCase().includes(text.toLowerCase())) return false;
  return !failed || (command.exitCode !== null && command.exitCode !== 0);
}
