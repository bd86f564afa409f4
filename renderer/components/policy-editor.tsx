/** What agents may do, as the policy file's text: checked as it is typed, saved only when it is right, presets to begin with. */
import { applyEdits, modify } from 'jsonc-parser';
import { Dialog } from 'radix-ui';
import { useEffect, useRef, useState } from 'react';
import { LOCAL_HOST } from '#protocol/address.ts';
import type { Result } from '#protocol/messages.ts';
import { trustedFolder } from '#session/policy-presets.ts';
import { closeDialog } from '../state/actions.ts';
import { countApprovalsSoon } from '../state/approvals.ts';
import { client } from '../state/engines.ts';
import { app, findSession, toast } from '../state/store.ts';
import { hostTitle } from '../text/host-state.ts';

type Policy = Result<'policy.get'>;

/** Typing is checked once it rests, milliseconds. */
const CHECK_AFTER_MS = 250;

/** `rule`: text of one to begin with, put last. */
export function PolicyEditor({ host, rule }: { host: string; rule?: string | undefined }) {
  const [policy, setPolicy] = useState<Policy | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    client(host)
      .request('policy.get', {})
      .then(setPolicy, (problem: unknown) => setError(sentence(problem)));
  }, [host]);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && closeDialog()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog policy" aria-describedby={undefined} data-testid="policy-editor">
          <Dialog.Title>What agents may do{host !== LOCAL_HOST && ` on ${hostTitle(host)}`}</Dialog.Title>
          {error && (
            <p className="form-error" role="alert">
              {error}
            </p>
          )}
          {policy && <Editor host={host} policy={policy} rule={rule} />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Editor({ host, policy, rule }: { host: string; policy: Policy; rule: string | undefined }) {
  const [text, setText] = useState(() => withRule(policy.text, rule));
  const [mistake, setMistake] = useState<string | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const presets = [...policy.presets, ...folderPreset()];
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(async () => {
      const found = await mistakeIn(host, text);
      if (isCurrent) setMistake(found);
    }, CHECK_AFTER_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [host, text]);
  const save = async () => {
    setIsSaving(true);
    try {
      await client(host).request('policy.set', { text });
      countApprovalsSoon(host, client(host)); // what was offered may be a rule now
      toast('The policy is saved and holds from now on.');
      closeDialog();
    } catch (problem) {
      setMistake(sentence(problem));
    }
    setIsSaving(false);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {policy.problems.map((problem) => (
        <p key={problem} className="remark" role="status">
          {problem}
        </p>
      ))}
      <label className="form-row">
        <span>Begin with</span>
        <select
          className="field"
          value=""
          onChange={(event) => {
            const preset = presets.find(({ name }) => name === event.target.value);
            if (preset) setText(preset.text);
            field.current?.focus();
          }}
        >
          <option value="" disabled>
            a preset…
          </option>
          {presets.map(({ name, description }) => (
            <option key={name} value={name}>
              {name}: {description}
            </option>
          ))}
        </select>
      </label>
      <textarea
        ref={field}
        className="field mono policy-text"
        aria-label="Text of the policy"
        value={text}
        spellCheck={false}
        wrap="off"
        onChange={(event) => setText(event.target.value)}
      />
      <div className="policy-state">
        {mistake === null ? (
          <span className="dim">The first rule that fits decides. No rule gives an agent cmdop's own files or a password prompt.</span>
        ) : (
          <button type="button" className="link form-error" data-testid="policy-mistake" onClick={() => goTo(field.current, mistake)}>
            {mistake}. The last good policy goes on.
          </button>
        )}
      </div>
      <p className="dim path" title={policy.file}>
        {policy.file}
      </p>
      <div className="dialog-buttons">
        <Dialog.Close className="button quiet" type="button">
          Cancel
        </Dialog.Close>
        <button type="submit" className="button primary" disabled={mistake !== null || isSaving}>
          Save policy
        </button>
      </div>
    </form>
  );
}

/** Of the folder that the session in front is in. */
function folderPreset() {
  const session = findSession(app.get(), app.get().preferences.activeTab);
  return session ? [trustedFolder(session.cwd, 'agent:*')] : [];
}

function withRule(text: string, rule: string | undefined): string {
  if (rule === undefined) return text;
  try {
    const formattingOptions = { insertSpaces: true, tabSize: 2 };
    return applyEdits(text, modify(text, ['rules', -1], JSON.parse(rule), { formattingOptions, isArrayInsertion: true }));
  } catch {
    return `${text}\n// ${rule}\n`; // a policy with a mistake in it: a person puts the rule where it belongs
  }
}

async function mistakeIn(host: string, text: string): Promise<string | null> {
  try {
    await client(host).request('policy.set', { text, check: true });
    return null;
  } catch (problem) {
    return sentence(problem);
  }
}

const sentence = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));

/** Puts the cursor where `… at LINE:COLUMN: …` says. */
function goTo(field: HTMLTextAreaElement | null, mistake: string): void {
  const [, line, column] = /(\d+):(\d+)/.exec(mistake) ?? [];
  if (!field || !line || !column) return;
  const before = field.value.split('\n').slice(0, Number(line) - 1);
  const at = before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1;
  field.focus();
  field.setSelectionRange(at, at);
}
