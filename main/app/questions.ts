/** What reaching a host has to ask, shown by the page. A secret passes through here to whoever asked and is kept nowhere. */
import type { Question, QuestionAnswer } from '../../preload/api.ts';
import type { Asker } from '../remote/asker.ts';
import { Notices } from '../remote/notices.ts';
import { tellPage, whenPageLeaves } from './page-events.ts';

type NewQuestion = Question extends infer Q ? (Q extends Question ? Omit<Q, 'id'> : never) : never;
type Waiting = { question: NewQuestion; decide: (answer: boolean | string | null) => void };

const waiting = new Map<number, Waiting>();
let lastId = 0;

/** Of each host. */
const notices = new Map<string, Notices>();

function noticesOf(host: string): Notices {
  const known = notices.get(host) ?? new Notices();
  notices.set(host, known);
  return known;
}

/** An asker for one attempt to reach a host. */
export type PageAsker = Asker & {
  /** Somebody answered *no* or closed a question: the attempt failed because a person wanted it to. */
  readonly wasDeclined: boolean;
  /** The attempt is over: questions still shown are withdrawn. */
  end(): void;
};

export function askPage(host: string): PageAsker {
  /** Takes back each question that is shown. */
  const own = new Map<number, () => void>();
  let wasDeclined = false;

  const ask = (question: NewQuestion, over?: AbortSignal): Promise<boolean | string | null> =>
    new Promise((resolve) => {
      if (over?.aborted) return resolve(null);
      const id = ++lastId;
      const settle = (answer: boolean | string | null) => {
        own.delete(id);
        waiting.delete(id);
        forget();
        over?.removeEventListener('abort', withdraw);
        resolve(answer);
      };
      const withdraw = () => {
        settle(null);
        tellPage({ is: 'withdrawn', id });
      };
      const decide = (answer: boolean | string | null) => {
        if (answer === null || answer === false) wasDeclined = true;
        settle(answer);
      };
      const forget = whenPageLeaves(() => settle(null));
      over?.addEventListener('abort', withdraw);
      own.set(id, withdraw);
      waiting.set(id, { question, decide });
      tellPage({ is: 'question', question: { ...question, id } });
    });

  return {
    get wasDeclined() {
      return wasDeclined;
    },
    hostKey: async ({ host: name, port, type, fingerprint, remark }, over) => {
      const address = port === 22 ? name : `${name}:${port}`;
      return (await ask({ is: 'host-key', host, address, type, fingerprint, remark: remark ?? null }, over)) === true;
    },
    secret: async ({ kind, prompt, isEchoed, instruction }, over) => {
      const answer = await ask({ is: 'secret', host, kind, prompt, isEchoed, instruction: instruction ?? null }, over);
      return typeof answer === 'string' ? answer : null;
    },
    notice: (text) => {
      if (noticesOf(host).isNew(text)) tellPage({ is: 'notice', host, text });
    },
    end: () => {
      for (const withdraw of [...own.values()]) withdraw();
    },
  };
}

/** The page's answer; one that nobody waits for any more, or of another kind than was asked for, counts as none. */
export function answerQuestion({ id, answer }: QuestionAnswer): void {
  const asked = waiting.get(id);
  if (!asked) return;
  const isFitting = asked.question.is === 'host-key' ? typeof answer === 'boolean' : typeof answer === 'string';
  asked.decide(isFitting ? answer : null);
}
