/** Asks the person at the terminal what reaching a host needs: on /dev/tty, so that pipes stay what they are. */
import { closeSync, openSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';
import { CmdopError } from '#protocol/errors.ts';
import { printable } from '../attach/cells.ts';
import type { Asker } from '../remote/asker.ts';
import { Notices } from '../remote/notices.ts';
import { note } from './output.ts';

/** Of this process. */
const notices = new Notices();

/**
 * `mayAsk`: false while somebody else has the terminal; then every question is answered by no. `notice` hears each
 * sentence once a process.
 */
export function ttyAsker({ mayAsk, notice = note }: { mayAsk: () => boolean; notice?: (sentence: string) => void }): Asker {
  // One question at a time, in the order in which they came.
  let last: Promise<unknown> = Promise.resolve();
  const ask = (prompt: string, { isEchoed, over }: Asking): Promise<string | null> => {
    const answer = last.then(() => (mayAsk() ? askTerminal(prompt, { isEchoed, over }) : null));
    last = answer.catch(() => {}); // who asked is told
    return answer;
  };
  return {
    async hostKey({ host, port, type, fingerprint, remark }, over) {
      const where = port === 22 ? host : `${host}:${port}`;
      const more = remark ? `\n${remark}` : '';
      const question = `${where} is not known yet. Its ${type} key is\n  ${fingerprint}${more}\nIs that the host you mean, and trusted from now on? [yes/no] `;
      for (;;) {
        const answer = (await ask(question, { isEchoed: true, over }))?.trim().toLowerCase();
        if (answer === 'yes' || answer === fingerprint.toLowerCase()) return true;
        if (answer === undefined || answer === 'no' || answer === '') return false;
      }
    },
    secret: ({ kind, user, host, prompt, instruction, isEchoed }, over) => {
      // A server's own words need not say whose password they mean.
      const whose = kind === 'interactive' ? `(${user}@${host}) ` : '';
      return ask(`${instruction ? `${instruction}\n` : ''}${whose}${prompt}`, { isEchoed, over });
    },
    notice: (sentence) => {
      if (notices.isNew(sentence)) notice(sentence);
    },
  };
}

type Asking = { readonly isEchoed: boolean; readonly over?: AbortSignal | undefined };

/**
 * One line from the terminal; null if the person gave up (Ctrl-C, Ctrl-D) or the question was taken back. Throws
 * `unauthorized` where there is no terminal.
 */
export async function askTerminal(prompt: string, { isEchoed, over }: Asking): Promise<string | null> {
  if (over?.aborted) return null;
  const terminal = openTerminal(prompt);
  const shown = prompt.split('\n').map(printable).join('\r\n');
  terminal.input.setRawMode(true); // first, since who reads fast types at once, and the terminal would show it
  terminal.output.write(shown.endsWith(' ') ? shown : `${shown} `);
  return new Promise((resolve) => {
    let typed = '';
    const takeBack = () => done(null);
    const done = (answer: string | null) => {
      over?.removeEventListener('abort', takeBack);
      terminal.output.write('\r\n');
      terminal.close();
      resolve(answer);
    };
    over?.addEventListener('abort', takeBack);
    terminal.input.on('error', () => done(null)); // it hung up
    terminal.input.setEncoding('utf8').on('data', (keys: string) => {
      for (const key of keys) {
        if (key === '\r' || key === '\n') return done(typed);
        if (key === '\x03' || (key === '\x04' && typed === '')) return done(null);
        if (key === '\x15') typed = '';
        else if (key === '\x7f' || key === '\b') {
          if (isEchoed && typed !== '') terminal.output.write('\b \b');
          typed = [...typed].slice(0, -1).join('');
        } else if (key >= ' ') {
          typed += key;
          if (isEchoed) terminal.output.write(key);
        }
      }
    });
  });
}

function openTerminal(prompt: string): { input: ReadStream; output: WriteStream; close(): void } {
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r+');
  } catch {
    const question = prompt.split('\n').map(printable).join(' ').replace(/ +/g, ' ').trim();
    throw new CmdopError(
      'unauthorized',
      `there is no terminal to ask in ("${question}"): run this once in a terminal, or give SSH what it needs (a key in the agent, the host in known_hosts)`,
    );
  }
  const input = new ReadStream(fd);
  const output = new WriteStream(fd);
  return {
    input,
    output,
    close: () => {
      input.setRawMode(false);
      input.destroy();
      output.destroy();
      try {
        closeSync(fd);
      } catch {
        // the stream has closed it
      }
    },
  };
}
