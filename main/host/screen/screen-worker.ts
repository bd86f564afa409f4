/** The thread that parses all sessions' output: each in turn gets a bounded slice, so that none starves another. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { SessionId } from '#protocol/ids.ts';
import type { FromWorker, ScreenAnswers, ScreenQuery, ScreenStep, ToWorker } from './screen-messages.ts';
import { ScreenTerminal } from './screen-terminal.ts';

/** Parsed for one session before the next gets its turn, bytes: about 5 ms. */
const SLICE_BYTES = 256 * 1024;

type Screen = { terminal: ScreenTerminal; steps: ScreenStep[] /** Bytes of the first step already taken. */; position: number };

const screens = new Map<SessionId, Screen>();
/** Sessions with steps left, in the order of their turns. */
const busy = new Set<SessionId>();
let isScheduled = false;

function main(port: MessagePort): void {
  const post = (message: FromWorker) => port.postMessage(message);

  port.on('message', ({ steps }: ToWorker) => {
    for (const step of steps) {
      if (step.kind === 'open') open(step);
      else if (step.kind === 'close') close(step.session);
      else {
        screens.get(step.session)?.steps.push(step);
        if (screens.has(step.session)) busy.add(step.session);
        else if (step.kind === 'query') post({ kind: 'failed', id: step.id, message: 'the session has no screen' });
      }
    }
    schedule();
  });

  function schedule(): void {
    if (!isScheduled) setImmediate(run);
    isScheduled = true;
  }

  function run(): void {
    isScheduled = false;
    for (const session of [...busy]) {
      const screen = screens.get(session);
      if (!screen) busy.delete(session);
      else {
        try {
          advance(session, screen);
        } catch (error) {
          close(session);
          post({ kind: 'lost', session, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
          continue;
        }
        if (screen.steps.length === 0) busy.delete(session);
      }
    }
    if (busy.size > 0) schedule(); // messages that came meanwhile are read first
  }

  /** Steps up to one slice of bytes. */
  function advance(session: SessionId, screen: Screen): void {
    const { terminal, steps } = screen;
    let taken = 0;
    let done = 0;
    const tell = () => {
      const events = terminal.events();
      if (taken > 0 || events.length > 0) post({ kind: 'progress', session, taken, offset: terminal.offset, events });
      taken = 0;
    };
    for (let left = SLICE_BYTES; left > 0 && done < steps.length; ) {
      const step = steps[done];
      if (step?.kind === 'bytes') {
        const slice = step.bytes.subarray(screen.position, screen.position + left);
        terminal.take(slice);
        taken += slice.length;
        left -= slice.length;
        screen.position += slice.length;
        if (screen.position < step.bytes.length) break;
        screen.position = 0;
      } else if (step?.kind === 'resize') terminal.resize(step.size);
      else if (step?.kind === 'colors') terminal.colors = step.colors;
      else if (step?.kind === 'query') {
        tell(); // the answer comes after what led to it
        post({ kind: 'answer', id: step.id, answer: answer(terminal, step.query) });
      }
      done++;
    }
    steps.splice(0, done);
    tell();
  }

  function open({ session, ...start }: ScreenStep & { kind: 'open' }): void {
    close(session);
    try {
      screens.set(session, { terminal: new ScreenTerminal(start), steps: [], position: 0 });
    } catch (error) {
      post({ kind: 'lost', session, message: error instanceof Error ? error.message : String(error) });
    }
  }
}

function close(session: SessionId): void {
  screens.get(session)?.terminal.dispose();
  screens.delete(session);
  busy.delete(session);
}

function answer(terminal: ScreenTerminal, query: ScreenQuery): ScreenAnswers[ScreenQuery['kind']] {
  switch (query.kind) {
    case 'snapshot':
      return terminal.snapshot(query.scrollback);
    case 'read':
      return terminal.read();
    case 'cursor':
      return terminal.cursor();
    case 'lineText':
      return terminal.lineText(query.line, query.fromCol);
    case 'linesText':
      return terminal.linesText(query.from, query.to);
  }
}

if (!parentPort) throw new Error('the screen worker is started by the host, as a worker thread');
main(parentPort);
