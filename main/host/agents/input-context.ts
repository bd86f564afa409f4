/** What reads a session's input now, as far as the host knows: the prompt, or a program. */
import type { ActorId } from '#protocol/ids.ts';
import type { PromptState } from '#session/prompt-watch.ts';

export type InputContext = PromptState & {
  /** Grows with every prompt, start of a command and change of the folder. */
  readonly generation: number;
  readonly folder: string;
  /** The command line that runs, or what the session was started with; null where it is not known. */
  readonly program: string | null;
  /** Whose keys are in the line already. */
  readonly drafted: readonly ActorId[];
  readonly alternateScreen: boolean;
  readonly bracketedPaste: boolean;
  /** Input is read by lines: at the prompt, and where the terminal is in canonical mode. */
  readonly readsLines: boolean;
  /** Whether what runs, or the line that is typed, is this actor's alone. */
  isOwn(actor: ActorId): boolean;
};
