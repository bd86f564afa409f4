/** Programs that echo what is typed, or do not, or say something else: what a prediction of echo must live with. */

/** Without a word that gives it away. */
export const SECRET_PROMPT = 'say it ';

export type Program = { start(): string; typed(key: string): string };

/** A line editor as shells have one, in insert mode. */
export function shell(): Program & { line: string } {
  let at = 0;
  const self = {
    line: '',
    start: () => '$ ',
    typed: (key: string) => {
      const { line } = self;
      const redraw = (from: number, text: string) => `${text} ${'\b'.repeat(text.length + 1 - (at - from))}`;
      if (key === '\r') {
        self.line = '';
        at = 0;
        return `\n${line.startsWith('clear') ? '\f' : `ran ${line}\n`}$ `;
      }
      if (key === '\x7f') {
        if (at === 0) return '';
        self.line = line.slice(0, at - 1) + line.slice(at);
        at--;
        return `\b${redraw(at, self.line.slice(at))}`;
      }
      if (key === '\x1b[D') {
        if (at === 0) return '';
        at--;
        return '\b';
      }
      if (key === '\x1b[C') {
        if (at === line.length) return '';
        at++;
        return line[at - 1] ?? '';
      }
      if (key.length > 1 || key < ' ') return '';
      self.line = line.slice(0, at) + key + line.slice(at);
      at++;
      const rest = self.line.slice(at);
      return key + rest + '\b'.repeat(rest.length);
    },
  };
  return self;
}

/** Asks for a name, which it echoes, and then without Enter between them or with it for a password, which it does not. */
export function login({ isByEnter }: { isByEnter: boolean }): Program & { isSecret: boolean } {
  const self = {
    isSecret: false,
    start: () => 'continue? ',
    typed: (key: string) => {
      if (self.isSecret) return key === '\r' ? '\n$ ' : '';
      if (isByEnter && key !== '\r') return key;
      self.isSecret = true;
      return `${isByEnter ? '' : key}\n${isByEnter ? 'key' : 'unlock'} `;
    },
  };
  return self;
}

/** As vim: keys are commands until `i`, then text until Escape. */
export function editor(): Program {
  let isInserting = false;
  return {
    start: () => '\f',
    typed: (key) => {
      if (key === '\x1b') isInserting = false;
      else if (isInserting) return key;
      else if (key === 'i') isInserting = true;
      else if (key === 'h') return '\b';
      return '';
    },
  };
}

/** Changes its manners at Enter: an echoing line editor, silence, an echo of another character, output of its own. */
export function randomProgram(random: () => number): Program {
  let inner: Program = shell();
  return {
    start: () => inner.start(),
    typed: (key: string) => {
      if (key !== '\r') return inner.typed(key);
      const at = random();
      const news = (each: string) => (random() < 0.3 ? `\nnews\n> ${each}` : each.length === 1 ? each : '');
      if (at < 0.3) inner = { start: () => SECRET_PROMPT, typed: () => '' };
      else if (at < 0.5) inner = { start: () => '* ', typed: () => '*' };
      else if (at < 0.7) inner = { start: () => '> ', typed: news };
      else if (at < 0.8) inner = editor();
      else inner = shell();
      return `\n${inner.start()}`;
    },
  };
}

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
