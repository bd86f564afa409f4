/** What dialogs are made of: a frame, a form that stays until it worked, and a question with two answers. */
import { AlertDialog, Dialog } from 'radix-ui';
import { type FormEvent, type ReactNode, useRef, useState } from 'react';
import { closeDialog } from '../state/actions.ts';

export function DialogFrame({ title, testId, children }: { title: string; testId?: string; children: ReactNode }) {
  return (
    <Dialog.Root open onOpenChange={(open) => !open && closeDialog()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog" aria-describedby={undefined} data-testid={testId}>
          <Dialog.Title>{title}</Dialog.Title>
          {children}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function Failure({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p className="form-error" role="alert">
      {text}
    </p>
  );
}

type FormProps = {
  title: string;
  action: string;
  /** Gets the trimmed text of each field by its name; null where it worked, else the sentence to show. What it throws is shown too. */
  submit: (value: (name: string) => string) => Promise<string | null>;
  children: ReactNode;
};

/** Closes once `submit` gave null; else shows what was in the way. */
export function FormDialog({ title, action, submit, children }: FormProps) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const submitted = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setIsBusy(true);
    try {
      const failure = await submit((name) => String(form.get(name) ?? '').trim());
      if (failure === null) closeDialog();
      else setError(failure);
    } catch (problem) {
      setError(problem instanceof Error ? problem.message : String(problem));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <DialogFrame title={title}>
      <form onSubmit={(event) => void submitted(event)}>
        {children}
        <Failure text={error} />
        <div className="dialog-buttons">
          <Dialog.Close className="button quiet" type="button">
            Cancel
          </Dialog.Close>
          <button type="submit" className="button primary" disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}

type ConfirmProps = {
  title: string;
  action: string;
  isHarmful?: boolean;
  /** Cancel has the focus: what is harmful, or was asked for by somebody else, is not done by a stray Enter. */
  isCancelFirst?: boolean;
  onConfirm: () => void;
  children: ReactNode;
};

export function ConfirmDialog({ title, action, isHarmful = false, isCancelFirst = isHarmful, onConfirm, children }: ConfirmProps) {
  const confirm = useRef<HTMLButtonElement>(null);
  return (
    <AlertDialog.Root open onOpenChange={(open) => !open && closeDialog()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content
          className="dialog"
          onOpenAutoFocus={(event) => {
            if (isCancelFirst) return;
            event.preventDefault();
            confirm.current?.focus();
          }}
        >
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="dialog-body">{children}</div>
          </AlertDialog.Description>
          <div className="dialog-buttons">
            <AlertDialog.Cancel className="button quiet">Cancel</AlertDialog.Cancel>
            <AlertDialog.Action ref={confirm} className={isHarmful ? 'button danger' : 'button primary'} onClick={onConfirm}>
              {action}
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
