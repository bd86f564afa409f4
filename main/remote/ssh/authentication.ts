/** Logging in, in OpenSSH's order: keys, then the server's questions, then a password; and what was tried, for the error. */
import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import { CmdopError } from '#protocol/errors.ts';
import type { Asker } from '../asker.ts';
import type { HostConfig, Method } from './host-config.ts';
import { fingerprintOf } from './host-key.ts';
import { certificateRemark, type Identities, type Identity, identitiesFor, OneKeyAgent, PassphraseRefused } from './identities.ts';
import { whyNotOffered } from './key-rules.ts';
import { asksPassword, LoginPassword } from './login-password.ts';
import { loginRemedy } from './login-remedy.ts';
import { plainText } from './plain-text.ts';
import type { Secrets } from './secrets.ts';

/** Questions of one round and rounds of one login: a server must not ask for ever. */
const MAX_PROMPTS = 16;
const MAX_ROUNDS = 32;

/** What proved who the user is. */
export type Proof = { readonly method: 'none' | Method; readonly label: string; readonly fingerprint: string | null };

export type Authentication = {
  readonly handler: AuthHandlerMiddleware;
  /** What was sent last, which is what the server accepted once it let us in. */
  proof(): Proof;
  /** To be called once logged in: what was right is remembered. */
  succeeded(): void;
  /** What was tried and what to do. */
  failure(why?: string): CmdopError;
};

export type AuthenticationOptions = {
  readonly config: HostConfig;
  readonly ask: Asker;
  readonly secrets: Secrets;
  /** Of the host's key: a remembered password is for that host only. */
  hostFingerprint(): string;
  /** Runs what waits for a person or an agent: the clock of the connection stands still meanwhile. */
  waiting<Result>(work: Promise<Result>): Promise<Result>;
  /** Nothing is left to try, or the person ended it: `failure` says which. */
  exhausted(): void;
};

export function authentication(options: AuthenticationOptions): Authentication {
  const login = new Login(options);
  return {
    handler: (allowed, isPartial, next) => {
      // The types do not say that both are null before the first attempt.
      login.next(Array.isArray(allowed) ? allowed : null, isPartial === true).then(
        (attempt) => (attempt ? next(attempt) : options.exhausted()),
        (error: unknown) => {
          login.fail(error);
          options.exhausted();
        },
      );
    },
    proof: () => login.wholeProof(),
    succeeded: () => login.succeeded(),
    failure: (why) => login.failure(why),
  };
}

class Login {
  proof: Proof = { method: 'none', label: 'no proof asked', fingerprint: null };
  isCancelled = false;
  /** What the server took before it asked for more. */
  readonly #earlierProofs: Proof[] = [];
  readonly #options: AuthenticationOptions;
  readonly #tried: string[] = [];
  #identities: Identities | null = null;
  #untried: Identity[] = [];
  #allowed: readonly string[] = [];
  #lastKey: OneKeyAgent | null = null;
  readonly #password: LoginPassword;
  /** A key had no passphrase that was right. */
  #isKeyLocked = false;
  #hasAskedFirst = false;
  #passwordsLeft: number;
  #roundsLeft: number;
  #questions = 0;
  #isToldOfCertificate = false;
  #broken: unknown = null;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
    this.#passwordsLeft = options.config.prompts;
    this.#roundsLeft = options.config.prompts;
    this.#password = new LoginPassword(options.secrets.passwords, () => this.#passwordPlace());
  }

  /** Null when there is nothing left to try. */
  async next(allowed: readonly string[] | null, isPartial: boolean): Promise<AnyAuthMethod | null> {
    const { config } = this.#options;
    const username = config.user;
    if (!this.#hasAskedFirst) {
      this.#hasAskedFirst = true;
      return { type: 'none', username };
    }
    if (this.#settleLastKey()) return { type: 'none', username };
    this.#password.settle(isPartial); // what was half of the proof is right
    if (isPartial) this.#earlierProofs.push(this.proof);
    if (allowed) this.#allowed = allowed;
    if (this.isCancelled) return null;
    for (const method of config.methods) {
      if (!this.#allowed.includes(method)) continue;
      const attempt = await this.#attempt(method);
      if (attempt) return attempt;
      if (this.isCancelled) return null;
    }
    return null;
  }

  wholeProof(): Proof {
    const all = [...this.#earlierProofs, this.proof];
    const fingerprint = all.find((each) => each.fingerprint)?.fingerprint ?? null;
    return { method: this.proof.method, label: all.map(({ label }) => label).join(' and '), fingerprint };
  }

  succeeded(): void {
    this.#password.settle(true);
  }

  fail(error: unknown): void {
    this.#broken = error;
  }

  failure(why?: string): CmdopError {
    const { config } = this.#options;
    const place = `${config.user}@${config.hostName}`;
    if (this.isCancelled) return new CmdopError('unauthorized', `the login as ${place} was given up: nobody answered what was asked`);
    if (this.#broken instanceof CmdopError) return this.#broken;
    const tried = this.#tried.length > 0 ? `tried ${this.#tried.join(', ')}` : 'there was nothing to try';
    const accepts = this.#allowed.length > 0 ? `; it accepts ${this.#allowed.join(', ')}` : '';
    const remarks = (this.#identities?.remarks ?? []).map((remark) => `; ${remark}`).join('');
    const ended = why ? ` (${why})` : '';
    return new CmdopError(
      'unauthorized',
      `${place} does not let you in${ended}: ${tried}${accepts}${remarks}. ${loginRemedy({ config, allowed: this.#allowed, isKeyLocked: this.#isKeyLocked }, why)}`,
    );
  }

  #attempt(method: Method): Promise<AnyAuthMethod | null> {
    switch (method) {
      case 'publickey':
        return this.#key();
      case 'keyboard-interactive':
        return this.#questionsRound();
      case 'password':
        return this.#passwordRound();
    }
  }

  async #key(): Promise<AnyAuthMethod | null> {
    const { config, ask, secrets, waiting } = this.#options;
    if (!this.#identities) {
      this.#identities = await waiting(identitiesFor({ config, ask, secrets }));
      this.#untried = [...this.#identities.offered];
    }
    for (let identity = this.#untried.shift(); identity; identity = this.#untried.shift()) {
      const publicKey = identity.publicKey ?? (await this.#revealed(identity));
      if (this.isCancelled) return null;
      if (!publicKey) continue;
      const blob = publicKey.getPublicSSH();
      const objection = whyNotOffered(blob, config.keyRules);
      if (objection) {
        this.#tried.push(`${identity.label} (not offered: ${objection})`);
        continue;
      }
      const fingerprint = fingerprintOf(blob);
      this.#tried.push(`${identity.label} (${fingerprint})`);
      this.proof = { method: 'publickey', label: identity.label, fingerprint };
      const sign: Identity['sign'] = (bytes, signing) => waiting(identity.sign(bytes, signing));
      this.#lastKey = new OneKeyAgent(publicKey, { ...identity, sign }, config.keyRules);
      return { type: 'agent', username: config.user, agent: this.#lastKey };
    }
    return null;
  }

  /** Null where the key stays locked: the next is tried, unless the person ended it all. */
  async #revealed(identity: Identity): Promise<ParsedKey | null> {
    try {
      return await this.#options.waiting(identity.reveal());
    } catch (error) {
      this.#tried.push(`${identity.label} [${error instanceof Error ? error.message : String(error)}]`);
      this.#notOpened(error);
      return null;
    }
  }

  #notOpened(error: unknown): void {
    if (!(error instanceof PassphraseRefused)) return;
    this.#isKeyLocked = true;
    if (error.isCancelled) this.isCancelled = true;
  }

  /**
   * True if the list of methods must be asked for anew: the server took the key and wants more, and ssh2 does not say
   * what after a key of an agent.
   */
  #settleLastKey(): boolean {
    const key = this.#lastKey;
    this.#lastKey = null;
    if (!key) return false;
    if (key.failure) this.#tried.push(`${this.#tried.pop() ?? ''} [${key.failure.message}]`);
    this.#notOpened(key.failure);
    if (key.hasSigned) this.#earlierProofs.push(this.proof);
    return key.hasSigned;
  }

  async #passwordRound(): Promise<AnyAuthMethod | null> {
    const { config, ask, waiting } = this.#options;
    const remembered = this.#password.remembered();
    if (remembered !== null) return this.#passwordAttempt(remembered, 'remembered password');
    if (this.#passwordsLeft-- <= 0) return null;
    this.#tellOfCertificate();
    const isAgain = this.#passwordsLeft + 1 < config.prompts;
    const prompt = `${isAgain ? 'Permission denied: once more, the password' : 'Password'} for ${config.user}@${config.hostName}`;
    const typed = await waiting(ask.secret({ kind: 'password', host: config.typed, user: config.user, prompt, isEchoed: false }));
    if (typed === null) {
      this.isCancelled = true;
      return null;
    }
    return this.#passwordAttempt(typed, 'password');
  }

  #passwordAttempt(password: string, label: string): AnyAuthMethod {
    const { config } = this.#options;
    this.#password.sent(password);
    this.#note(label);
    this.proof = { method: 'password', label: 'password', fingerprint: null };
    return { type: 'password', username: config.user, password };
  }

  async #questionsRound(): Promise<AnyAuthMethod | null> {
    if (this.#roundsLeft-- <= 0) return null;
    const { config } = this.#options;
    this.#note('keyboard-interactive');
    this.proof = { method: 'keyboard-interactive', label: 'answers to its questions', fingerprint: null };
    return {
      type: 'keyboard-interactive',
      username: config.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        this.#answers([name, instructions], prompts).then(finish, () => this.#options.exhausted());
      },
    };
  }

  async #answers(above: readonly string[], prompts: readonly { prompt: string; echo?: boolean }[]): Promise<string[]> {
    const { config, ask, waiting } = this.#options;
    if (prompts.length > MAX_PROMPTS || ++this.#questions > MAX_ROUNDS) this.#giveUp();
    const isPassword = asksPassword(prompts);
    const remembered = isPassword ? this.#password.remembered() : null;
    if (remembered !== null) {
      this.#roundsLeft++; // a person has not had a try
      this.#password.sent(remembered);
      return [remembered];
    }
    this.#tellOfCertificate();
    const instruction = above.map(plainText).filter(Boolean).join('\n');
    const answers: string[] = [];
    for (const { prompt, echo } of prompts) {
      const question = {
        kind: 'interactive',
        host: config.typed,
        user: config.user,
        prompt: plainText(prompt),
        isEchoed: echo === true,
      } as const;
      const answer = this.isCancelled ? null : await waiting(ask.secret({ ...question, ...(instruction ? { instruction } : {}) }));
      if (answer === null) this.#giveUp();
      answers.push(answer);
      if (isPassword) this.#password.sent(answer);
    }
    return answers;
  }

  /** Before a person is asked for what would not be needed with it; a configured one is named when the configuration is read. */
  #tellOfCertificate(): void {
    const { config, ask } = this.#options;
    const certificate = this.#identities?.certificate;
    if (!certificate || this.#isToldOfCertificate || this.#earlierProofs.length > 0) return;
    this.#isToldOfCertificate = true;
    ask.notice(certificateRemark(certificate, config.typed));
  }

  /** Ends the attempt: the server would ask again and again. */
  #giveUp(): never {
    this.isCancelled = true;
    throw new Error('given up');
  }

  #note(label: string): void {
    if (this.#tried.at(-1) !== label) this.#tried.push(label);
  }

  #passwordPlace(): string {
    const { config, hostFingerprint } = this.#options;
    return `${config.user}@${config.hostName}:${config.port} ${hostFingerprint()}`;
  }
}
