/** What is set for every session of this host, across its restarts: the safety switch for agents, and defaults. */
import { z } from 'zod';
import { type RetentionLimits, retentionLimits } from '#protocol/retention.ts';
import { controlMode } from '#protocol/shapes.ts';
import type { StateFile, StateFiles } from './state-files.ts';

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
  readonly #file: StateFile<Settings>;
  #settings: Settings;

  /** Never throws. A file that cannot be understood leaves agents paused: it may have said so. */
  constructor(files: StateFiles, file: string) {
    this.#file = files.open({
      file,
      shape,
      whileDamaged: 'agents are paused to be safe, `cmdop resume --agents` writes it anew',
      whileUnwritten: 'what was set holds until this host ends',
    });
    this.#settings = this.#file.found ?? { ...shape.parse({}), agentsPaused: this.#file.isDamaged };
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

  /** Takes effect at once, and for the next host, unless the disk refuses, which is told. */
  set(change: Partial<Pick<Settings, 'agentsPaused' | 'controlMode' | 'retention' | 'prunedAt'>>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#file.write(this.#settings);
  }
}
