/** A person at the keyboard while a host is reached: answers what is asked from a list, and remembers all of it. */
import type { Asker, HostKeyQuestion, SecretQuestion } from '../../main/remote/asker.ts';

export type Answers = Asker & {
  readonly hostKeys: HostKeyQuestion[];
  readonly secrets: SecretQuestion[];
  readonly notices: string[];
};

/** A secret that is not in the list is not given: the attempt ends. */
export function answering({ hostKey = false, secrets = [] }: { hostKey?: boolean; secrets?: readonly (string | null)[] } = {}): Answers {
  const left = [...secrets];
  const asked: Answers = {
    hostKeys: [],
    secrets: [],
    notices: [],
    hostKey: async (question) => {
      asked.hostKeys.push(question);
      return hostKey;
    },
    secret: async (question) => {
      asked.secrets.push(question);
      return left.shift() ?? null;
    },
    notice: (text) => {
      asked.notices.push(text);
    },
  };
  return asked;
}
