/** How well an entry of the command palette fits what was typed. Pure. */

/**
 * 0 where a word of `typed` is nowhere in `names`; else more the nearer to a beginning, of the first name first.
 * Letters strewn over a name do not count: `kill` must not choose a session because its folder happens to hold them.
 */
export function paletteScore(typed: string, names: readonly string[]): number {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = names.map((name) => name.toLowerCase());
  const scores = words.map((word) => Math.max(0, ...texts.map((text, index) => scoreIn(text, word) / (index + 1))));
  return scores.length === 0 ? 1 : Math.min(...scores);
}

function scoreIn(text: string, word: string): number {
  const at = text.indexOf(word);
  if (at === -1) return 0;
  if (at === 0) return 1;
  return new RegExp(`[^\\p{L}\\p{N}]${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`, 'u').test(text) ? 0.8 : 0.5;
}
