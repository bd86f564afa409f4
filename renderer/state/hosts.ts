/** What the app tells of hosts: questions to answer, notices, progress, links, and that the machine woke up. */
import { LOCAL_HOST } from '#protocol/address.ts';
import type { AppEvent, QuestionAnswer } from '../../preload/api.ts';
import { platform } from '../platform/platform.ts';
import { focusTerminal } from './actions.ts';
import { runMenuCommand } from './commands.ts';
import { showNoticed } from './deciding.ts';
import { folderChanged } from './folder-transfers.ts';
import { openJoin } from './joining.ts';
import { openLink } from './links.ts';
import { reconnectAll } from './open-hosts.ts';
import { forwardsChanged } from './ports.ts';
import { app, findHost, setHost, toast } from './store.ts';

export function listenToApp(): void {
  platform.onEvent(onAppEvent);
}

/** Tells whoever asked, and shows the next question. */
export function answerQuestion(answer: QuestionAnswer): void {
  forget(answer.id);
  void platform.answer(answer);
}

/** Reads anew what could be added: files may have changed. */
export async function findKnownHosts(): Promise<void> {
  try {
    app.set({ knownHosts: await platform.hosts() });
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
  }
}

function onAppEvent(event: AppEvent): void {
  switch (event.is) {
    case 'menu':
      runMenuCommand(event.command);
      return;
    case 'question':
      // The host was taken out of the window meanwhile; that of an invite is not in it yet.
      if (!findHost(app.get(), event.question.host) && app.get().dialog?.is !== 'join')
        return void platform.answer({ id: event.question.id, answer: null });
      app.set(({ questions }) => ({ questions: [...questions, event.question] }));
      return;
    case 'withdrawn':
      forget(event.id);
      return;
    case 'notice':
      toast(event.host === LOCAL_HOST ? event.text : `${event.host}: ${event.text}`);
      return;
    case 'forwards':
      forwardsChanged(event.forwards);
      return;
    case 'folder':
      folderChanged(event.folder);
      return;
    case 'installing':
      setHost(event.host, { install: { step: event.step, share: event.share } });
      return;
    case 'open':
      openLink(event.address);
      return;
    case 'invite':
      openJoin(event.code);
      return;
    case 'noticed':
      showNoticed(event.about);
      return;
    case 'awake':
      reconnectAll();
      return;
  }
}

function forget(id: number): void {
  if (!app.get().questions.some((question) => question.id === id)) return;
  app.set(({ questions }) => ({ questions: questions.filter((question) => question.id !== id) }));
  focusTerminal();
}
