/** The approvals decided last, which are still told: bounded by number and by size, since agents choose what is in them. */
import type { Approval } from '#protocol/approvals.ts';

const MAX_DECIDED = 200;
/** All of them together, characters. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

export class DecidedApprovals {
  readonly #decided: Approval[] = [];
  #characters = 0;

  all(): readonly Approval[] {
    return this.#decided;
  }

  find(id: number): Approval | undefined {
    return this.#decided.find((approval) => approval.id === id);
  }

  add(approval: Approval): void {
    this.#decided.push(approval);
    this.#characters += sizeOf(approval);
    while (this.#decided.length > MAX_DECIDED || this.#characters > MAX_CHARACTERS) {
      const oldest = this.#decided.shift();
      if (!oldest) return;
      this.#characters -= sizeOf(oldest);
    }
  }
}

/** Characters in it that an agent chose; the same for its whole life. */
export const sizeOf = ({ text, shown, folder, program, reason }: Approval): number =>
  text.length + shown.length + folder.length + (program?.length ?? 0) + (reason?.length ?? 0);
