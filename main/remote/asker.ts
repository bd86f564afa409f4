/** What reaching a remote host may have to ask a person: the command line asks in the terminal, the app in a dialog. */

/** `over`: the attempt has ended, by itself or because nobody waits for it any more; what is still asked is taken back. */
export type Asker = {
  /** Is this the host that is meant? False ends the attempt. */
  hostKey(question: HostKeyQuestion, over?: AbortSignal): Promise<boolean>;
  /** Null ends the attempt. An answer is never stored, and asked again when it was wrong. */
  secret(question: SecretQuestion, over?: AbortSignal): Promise<string | null>;
  /** One sentence that the person should see and need not answer. */
  notice(text: string): void;
};

/** Asks for one attempt: what is on screen when it ends is taken back. */
export function askingUntil(over: AbortSignal, ask: Asker): Asker & { readonly isAsking: boolean } {
  let shown = 0;
  const during = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    shown++;
    try {
      return await answer;
    } finally {
      shown--;
    }
  };
  return {
    /** A person has not answered yet. */
    get isAsking() {
      return shown > 0;
    },
    hostKey: (question) => during(ask.hostKey(question, over)),
    secret: (question) => during(ask.secret(question, over)),
    notice: (text) => ask.notice(text),
  };
}

export type HostKeyQuestion = {
  readonly host: string;
  readonly port: number;
  /** As servers name it: `ssh-ed25519`. */
  readonly type: string;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
  /** What else there is to say, one sentence: that another name with this key is known, say. */
  readonly remark?: string;
};

export type SecretQuestion = {
  readonly kind: 'passphrase' | 'password' | 'interactive';
  readonly host: string;
  readonly user: string;
  /** The words to show before the field. A server's own words are stripped of control characters. */
  readonly prompt: string;
  /** May what is typed be seen? Only for what the server says is no secret. */
  readonly isEchoed: boolean;
  /** What the server says above its questions. */
  readonly instruction?: string;
};
