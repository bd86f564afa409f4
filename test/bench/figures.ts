/** What was measured, by figure and peer: kept in order, shown as a table, written as JSON. Pure. */
import type { PeerName } from './peer.ts';
import { type Spread, spread } from './statistics.ts';

const COLUMNS: readonly PeerName[] = ['cmdop', 'cmdop by its host', 'cmdop attach', 'tmux', 'dtach', 'Node relay', 'bare PTY', 'ssh -L'];
/** Whom cmdop is a multiple of. */
const OTHERS = COLUMNS.slice(2);

export type FigureTable = Record<string, Partial<Record<PeerName, Spread>>>;

/** Beyond it the other is nothing but the noise of measuring. */
const MAX_RATIO = 1_000;

export class Figures {
  readonly #values = new Map<string, Map<PeerName, number[]>>();

  add(figure: string, peer: PeerName, value: number): void {
    const row = this.#values.get(figure) ?? new Map<PeerName, number[]>();
    this.#values.set(figure, row);
    row.set(peer, [...(row.get(peer) ?? []), value]);
  }

  json(): FigureTable {
    return Object.fromEntries(
      [...this.#values].map(([figure, row]) => [
        figure,
        Object.fromEntries(COLUMNS.flatMap((peer) => (row.has(peer) ? [[peer, spread(row.get(peer) ?? [])]] : []))),
      ]),
    );
  }

  /** A row a figure: medians with their spread, and cmdop as a multiple of each other. */
  table(): string {
    const rows = [['', ...COLUMNS, ...OTHERS.map((peer) => `× ${peer}`)]];
    for (const [figure, row] of this.#values) {
      const own = median(row.get('cmdop'));
      const cells = COLUMNS.map((peer) => show(row.get(peer)));
      const ratios = OTHERS.map((peer) => ratio(own, median(row.get(peer))));
      rows.push([figure, ...cells, ...ratios]);
    }
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
    const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
    const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
    const [head = [], ...body] = rows;
    return [line(head), rule, ...body.map(line)].join('\n');
  }
}

const median = (values: number[] | undefined): number | null => (values ? spread(values).median : null);

function show(values: number[] | undefined): string {
  if (!values) return '';
  const { median: middle, min, max, rounds } = spread(values);
  return rounds > 1 ? `${digits(middle)} (${digits(min)}–${digits(max)})` : digits(middle);
}

function ratio(own: number | null, other: number | null): string {
  if (own === null || other === null || own === 0) return '';
  const times = own / other;
  return times > 0 && times < MAX_RATIO ? times.toFixed(2) : '';
}

/** Three significant digits, without an exponent. */
export function digits(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(decimals);
}
