/** The account's password in one login: what an earlier one was let in with is given once, and forgotten where it is refused. */
import { plainText } from './plain-text.ts';

/** As PAM asks for it. */
const PASSWORD_PROMPT = /^(\S+@\S+'s )?password:?$/i;

/** Whether a round of a server's questions wants the password, and nothing that may be another each time. */
export function asksPassword(prompts: readonly { prompt: string; echo?: boolean }[]): boolean {
  return prompts.length === 1 && prompts.every(({ prompt, echo }) => !echo && PASSWORD_PROMPT.test(plainText(prompt)));
}

export class LoginPassword {
  readonly #kept: Map<string, string>;
  readonly #place: () => string;
  /** One was given in this login: what is kept is not tried beside it. */
  #isGiven = false;
  /** In the attempt that runs. */
  #sent: string | null = null;

  constructor(kept: Map<string, string>, place: () => string) {
    this.#kept = kept;
    this.#place = place;
  }

  /** Null where there is none, or it had its chance. */
  remembered(): string | null {
    return this.#isGiven ? null : (this.#kept.get(this.#place()) ?? null);
  }

  sent(password: string): void {
    this.#isGiven = true;
    this.#sent = password;
  }

  /** The attempt is over in which it may have been sent. */
  settle(isRight: boolean): void {
    const password = this.#sent;
    this.#sent = null;
    if (password === null) return;
    const place = this.#place();
    if (isRight) this.#kept.set(place, password);
    else if (this.#kept.get(place) === password) this.#kept.delete(place);
  }
}
