/** The figures as a picture: a block a figure, a bar a peer, with the spread of its rounds. SVG, drawn by hand. Pure. */
import { digits, type FigureTable } from './figures.ts';
import type { PeerName } from './peer.ts';
import type { Spread } from './statistics.ts';

const COLORS: Record<PeerName, string> = {
  cmdop: '#2f6fde',
  'cmdop by its host': '#5b8fe8',
  'cmdop attach': '#8fb4f2',
  tmux: '#3a9a5b',
  dtach: '#b7791f',
  'Node relay': '#8a63c9',
  'bare PTY': '#8b8f98',
  'ssh -L': '#c2557a',
};
/** All lengths are CSS pixels. */
const WIDTH = 860;
const MARGIN = 24;
const LABEL_WIDTH = 110;
const VALUE_WIDTH = 190;
const BAR = { height: 15, step: 20 };
const TITLE_HEIGHT = 26;
const BLOCK_GAP = 14;
const HEAD_HEIGHT = 66;

/** Figures where less is better say so; the others are rates. */
const isRate = (figure: string) => figure.endsWith('MB/s');
/** Facts about a run, not measures of who is better. */
const isShown = (figure: string) => !/seen by the client|left out with a gap|lines above/.test(figure);

export function plot(figures: FigureTable, about: string): string {
  const parts: string[] = [];
  let y = HEAD_HEIGHT;
  for (const [figure, row] of Object.entries(figures).filter(([name]) => isShown(name))) {
    const bars = Object.entries(row) as [PeerName, Spread][];
    const longest = Math.max(...bars.map(([, { max }]) => max)) || 1;
    const note = isRate(figure) ? 'more is better' : 'less is better';
    parts.push(
      text({ x: MARGIN, y: y + 16, text: figure, style: 'figure' }),
      text({ x: WIDTH - MARGIN, y: y + 16, text: note, style: 'note' }),
    );
    y += TITLE_HEIGHT;
    for (const [peer, spread] of bars) {
      parts.push(...bar(peer, spread, { y, longest }));
      y += BAR.step;
    }
    y += BLOCK_GAP;
  }
  const height = y + MARGIN - BLOCK_GAP;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="cmdop beside others">
<style>
text { font: 12px system-ui, sans-serif; fill: #24262c; }
.title { font-size: 16px; font-weight: 600; }
.figure { font-size: 13px; font-weight: 600; }
.peer { text-anchor: end; }
.note { text-anchor: end; fill: #6b6f79; }
.about { fill: #6b6f79; }
</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${text({ x: MARGIN, y: 30, text: 'cmdop beside others: medians; the line is from the best round to the worst', style: 'title' })}
${text({ x: MARGIN, y: 50, text: about, style: 'about' })}
${parts.join('\n')}
</svg>
`;
}

function bar(peer: PeerName, { median, min, max, rounds }: Spread, at: { y: number; longest: number }): string[] {
  const left = MARGIN + LABEL_WIDTH;
  const scale = (WIDTH - left - VALUE_WIDTH - MARGIN) / at.longest;
  const middle = at.y + BAR.height / 2;
  const [low, high] = [left + Math.max(0, min) * scale, left + Math.max(0, max) * scale];
  const value = rounds > 1 ? `${digits(median)} (${digits(min)} – ${digits(max)})` : digits(median);
  return [
    text({ x: left - 8, y: at.y + 12, text: peer, style: 'peer' }),
    `<rect x="${left}" y="${at.y}" width="${Math.max(1, Math.max(0, median) * scale).toFixed(1)}" height="${BAR.height}" rx="2" fill="${COLORS[peer]}"/>`,
    ...(rounds > 1
      ? [
          `<path d="M${low.toFixed(1)} ${middle}H${high.toFixed(1)}M${low.toFixed(1)} ${middle - 4}v8M${high.toFixed(1)} ${middle - 4}v8" stroke="#24262c" fill="none"/>`,
        ]
      : []),
    text({ x: Math.max(high, left) + 8, y: at.y + 12, text: value, style: 'value' }),
  ];
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text({ x, y, text: words, style }: { x: number; y: number; text: string; style: string }): string {
  return `<text x="${x.toFixed(1)}" y="${y}" class="${style}">${words.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign)}</text>`;
}
