/** A query's conditions, of those that were asked for. */
import type { SQLInputValue } from 'node:sqlite';

/** Each condition with its value; left out where there is none. */
export function conditions(parts: [string, SQLInputValue | undefined][]): { where: string[]; values: SQLInputValue[] } {
  const given = parts.filter((part): part is [string, SQLInputValue] => part[1] !== undefined);
  return { where: given.map(([condition]) => condition), values: given.map(([, value]) => value) };
}

/** That a row is of none of these sessions; their ids are added to `values`. */
export function without(sessions: readonly string[], values: SQLInputValue[]): string {
  values.push(...sessions);
  return `(session IS NULL OR session NOT IN (${sessions.map(() => '?').join(',')}))`;
}

export const whereClause = (where: string[]) => (where.length > 0 ? `WHERE ${where.join(' AND ')}` : '');
