/** What a host must know from a person before it is reached: whether its key is the right one, and secrets. */
import { AlertDialog, Dialog } from 'radix-ui';
import { type FormEvent, useState } from 'react';
import type { Question } from '../../preload/api.ts';
import { answerQuestion } from '../state/hosts.ts';
import { useApp } from '../state/store.ts';

const TITLES = { passphrase: 'Passphrase', password: 'Password', interactive: 'Sign in' } as const;

export function QuestionDialogs() {
  const question = useApp((state) => state.questions[0]);
  if (question?.is === 'host-key') return <HostKey key={question.id} question={question} />;
  if (question?.is === 'secret') return <Secret key={question.id} question={question} />;
  return null;
}

function HostKey({ question }: { question: Extract<Question, { is: 'host-key' }> }) {
  const answer = (isTrusted: boolean) => answerQuestion({ id: question.id, answer: isTrusted });
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && answer(false)}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content className="dialog" data-testid="host-key-dialog">
          <AlertDialog.Title>Is this the right machine?</AlertDialog.Title>
          <AlertDialog.Description>
            {question.host} shows a key that is not among the known ones. Trust it only if whoever runs that machine confirms the
            fingerprint.
          </AlertDialog.Description>
          <dl className="facts">
            <dt>Address</dt>
            <dd>{question.address}</dd>
            <dt>Key</dt>
            <dd>{question.type}</dd>
            <dt>Fingerprint</dt>
            <dd className="mono">{question.fingerprint}</dd>
          </dl>
          {question.remark && <p className="remark">{question.remark}</p>}
          <div className="dialog-buttons">
            <AlertDialog.Cancel className="button quiet" onClick={() => answer(false)}>
              Cancel
            </AlertDialog.Cancel>
            <AlertDialog.Action className="button primary" onClick={() => answer(true)}>
              Trust and remember
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** What is typed stays in its field until it is sent, and nowhere after. */
function Secret({ question }: { question: Extract<Question, { is: 'secret' }> }) {
  const [isSent, setIsSent] = useState(false);
  const answer = (text: string | null) => {
    setIsSent(true);
    answerQuestion({ id: question.id, answer: text });
  };
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    answer(String(new FormData(event.currentTarget).get('secret') ?? ''));
  };
  return (
    <Dialog.Root open={!isSent} onOpenChange={(open) => !open && answer(null)}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog" aria-describedby={undefined} data-testid="secret-dialog" data-question={question.id}>
          <Dialog.Title>
            {TITLES[question.kind]} for {question.host}
          </Dialog.Title>
          <form onSubmit={submit}>
            {question.instruction && <p className="instruction">{question.instruction}</p>}
            <label className="question-row">
              <span>{question.prompt.trim() || TITLES[question.kind]}</span>
              <input
                className="field mono"
                name="secret"
                type={question.isEchoed ? 'text' : 'password'}
                maxLength={4096}
                spellCheck={false}
                autoComplete="off"
              />
            </label>
            <div className="dialog-buttons">
              <Dialog.Close className="button quiet" type="button">
                Cancel
              </Dialog.Close>
              <button type="submit" className="button primary">
                Continue
              </button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
