/** What is set for every session of this host, across its restarts: the safety switch for agents, and defaults. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { controlMode } from '#protocol/shapes.ts';

const shape = z.looseObject({
  /** No agent may act anywhere. */
  agentsPaused: z.boolean().default(false),
  /** Of sessions made without one. */
  controlMode: controlMode.default('turns'),
});
type Settings = z.infer<typeof shape>;

export class HostSettings {
  readonly #file: string;
  #settings: Settings;
  #problem: string | null = null;

  /** Never throws. A file that cannot be understood leaves agents paused: it may have said so. */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#settings = readSettings(file);
    } catch (error) {
      this.#settings = { agentsPaused: true, controlMode: 'turns' };
      const reason = error instanceof z.ZodError ? (error.issues[0]?.message ?? 'not valid') : (error as Error).message;
      this.#problem = `${file} is damaged (${reason.replaceAll(/\s+/g, ' ')}): agents are paused to be safe, \`cmdop resume --agents\` writes it anew`;
    }
  }

  get agentsPaused(): boolean {
    return this.#settings.agentsPaused;
  }
  get controlMode(): Settings['controlMode'] {
    return this.#settings.controlMode;
  }
  /** What is wrong, a sentence, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Takes effect at once, and for the next host, unless the disk refuses: then `problem` says so. */
  set(change: Partial<Pick<Settings, 'agentsPaused' | 'controlMode'>>): void {
    this.#settings = { ...this.#settings, ...change };
    try {
      writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#settings, null, 2)}\n`, { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
      this.#problem = null;
    } catch (error) {
      this.#problem = `${this.#file} cannot be written (${(error as Error).message}): what was set holds until this host ends`;
    }
  }
}

function readSettings(file: string): Settings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return shape.parse({}); // nothing was ever set
    throw error;
  }
  return shape.parse(JSON.parse(text));
}
