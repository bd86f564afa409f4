/** The answers that need a second look: another line to run, a reason for a no, a rule before it is saved, words to a question. */
import { type FormEvent, type ReactNode, useEffect, useRef } from 'react';
import type { Approval } from '#protocol/approvals.ts';
import type { Decision } from '../state/deciding.ts';
import { Keys } from './hint.tsx';

type FormProps = { approval: Approval; onBack: () => void; onAnswer: (decision: Decision) => Promise<void> };

export function EditForm({ approval, onBack, onAnswer }: FormProps) {
  const field = useFocused<HTMLInputElement>();
  return (
    <Answer action="Run this instead" onBack={onBack} onSubmit={(text) => onAnswer({ decision: 'approve', text })}>
      <input
        ref={field}
        className="field mono"
        name="answer"
        aria-label={`Run this instead of what ${approval.actor.name} sent`}
        defaultValue={approval.text.replace(/[\r\n]+$/, '')}
        required
        spellCheck={false}
        autoComplete="off"
      />
    </Answer>
  );
}

export function RejectForm({ approval, onBack, onAnswer }: FormProps) {
  const field = useFocused<HTMLInputElement>();
  return (
    <Answer action="Reject" onBack={onBack} onSubmit={(reason) => onAnswer({ decision: 'reject', ...(reason ? { reason } : {}) })}>
      <input
        ref={field}
        className="field"
        name="answer"
        aria-label={`Reason, told to ${approval.actor.name}`}
        placeholder={`Reason, told to ${approval.actor.name} (may be left out)`}
        maxLength={2_000}
        autoComplete="off"
      />
    </Answer>
  );
}

export function RuleForm({ approval, onBack, onAnswer }: FormProps) {
  const save = useFocused<HTMLButtonElement>();
  return (
    <form
      className="approval-form"
      onSubmit={(event) => {
        event.preventDefault();
        void onAnswer({ decision: 'approve', scope: 'rule' });
      }}
    >
      <p>This rule is added to the policy, and holds in every session that it fits:</p>
      <pre className="shown-text rule" data-testid="approval-rule">
        {approval.offer}
      </pre>
      <div className="approval-buttons">
        <button ref={save} type="submit" className="button small primary">
          Save rule and approve
        </button>
        <Back onBack={onBack} />
      </div>
    </form>
  );
}

export function AnswerForm({ approval, isArmed, onAnswer }: Omit<FormProps, 'onBack'> & { isArmed: boolean }) {
  const { choices } = approval;
  if (choices.length > 0) {
    return (
      <div className="approval-buttons">
        {choices.map((choice, at) => (
          <button
            key={choice}
            type="button"
            className="button small"
            disabled={!isArmed}
            onClick={() => void onAnswer({ decision: 'approve', answer: choice })}
          >
            {choice}
            {at < 9 && <Keys text={`${at + 1}`} />}
          </button>
        ))}
      </div>
    );
  }
  return (
    <Answer action="Answer" shortcut="A" isArmed={isArmed} onSubmit={(answer) => onAnswer({ decision: 'approve', answer })}>
      <input
        className="field"
        name="answer"
        aria-label={`Answer to ${approval.actor.name}`}
        placeholder={`Answer to ${approval.actor.name}`}
        maxLength={8_000}
        required
        autoComplete="off"
      />
    </Answer>
  );
}

type AnswerProps = {
  action: string;
  shortcut?: string;
  isArmed?: boolean;
  onBack?: () => void;
  onSubmit: (text: string) => Promise<void>;
  children: ReactNode;
};

function Answer({ action, shortcut, isArmed = true, onBack, onSubmit, children }: AnswerProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void onSubmit(String(new FormData(event.currentTarget).get('answer') ?? '').trim());
  };
  return (
    <form className="approval-form" onSubmit={submit}>
      {children}
      <div className="approval-buttons">
        <button type="submit" className="button small primary" disabled={!isArmed}>
          {action}
          {shortcut && <Keys text={shortcut} />}
        </button>
        {onBack && <Back onBack={onBack} />}
      </div>
    </form>
  );
}

function Back({ onBack }: { onBack: () => void }) {
  return (
    <button type="button" className="button small quiet" onClick={onBack}>
      Back
      <Keys text="Esc" />
    </button>
  );
}

/** Has the keyboard as soon as it is there: it was opened by a person just now. */
function useFocused<E extends HTMLElement>() {
  const element = useRef<E>(null);
  useEffect(() => {
    element.current?.focus();
    if (element.current instanceof HTMLInputElement)
      element.current.setSelectionRange(element.current.value.length, element.current.value.length);
  }, []);
  return element;
}
