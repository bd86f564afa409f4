/** What is set for every session of this host, across its restarts: the safety switch for agents, and defaults. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { type RetentionLimits, retentionLimits } from '#protocol/retention.ts';
import { controlMode } from '#protocol/shapes.ts';

/** Nobody said otherwise: nothing is removed, and a session's output stays below 64 MiB. */
const DEFAULT_LIMITS: RetentionLimits = { sessionBytes: 64 * 1024 * 1024, totalBytes: null, maxAgeMs: null };

const shape = z.looseObject({
  /** No agent may act anywhere. */
  agentsPaused: z.boolean().default(false),
  /** Of sessions made without one. */
  controlMode: controlMode.default('turns'),
  retention: retentionLimits.default(DEFAULT_LIMITS),
  /** When the limits were last applied, Unix time. */
  prunedAt: z.number().nullable().default(null),
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
      this.#settings = { ...shape.parse({}), agentsPaused: true };
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
  get retention(): RetentionLimits {
    return this.#settings.retention;
  }
  get prunedAt(): number | null {
    return this.#settings.prunedAt;
  }
  /** What is wrong, a sentence, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Takes effect at once, and for the next host, unless the disk refuses: then `problem` says so. */
  set(change: Partial<Pick<Settings, 'agentsPaused' | 'controlMode' | 'retention' | 'prunedAt'>>): void {
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
