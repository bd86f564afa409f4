/**
 * `export --format asciicast`: asciicast v3 (docs.asciinema.org/manual/asciicast/v3): a header, then one event a line with
 * the seconds since the one before; v2 counts them from the beginning, and knows no exit. A command is a marker that names
 * who submitted it.
 */
import type { ExportTarget } from './formats.ts';
import type { ExportSource, ExportStep } from './source.ts';

/** Events written together, characters. */
const WRITE_CHARACTERS = 64 * 1024;

/** What every session's programs are told to write for. */
const TERM = 'xterm-256color';
/** They draw nothing, and carry the secret by which the host knows the session's shell. */
const SHELL_MARKS = /\x1b\](?:133|633);[^\x07\x1b]*(?:\x07|\x1b\\)/g;
/** Of a sequence that goes on in the next piece, characters. */
const MAX_HELD = 16 * 1024;

export async function writeAsciicast(source: ExportSource, target: ExportTarget, version: 2 | 3): Promise<void> {
  const { session } = source;
  const start = await source.start();
  const startedAt = await source.startedAt();
  const { cols, rows } = start.size;
  const header = {
    version,
    ...(version === 3 ? { term: { cols, rows, type: TERM } } : { width: cols, height: rows, env: { TERM } }),
    timestamp: Math.floor(startedAt / 1000),
    title: session.title || session.name,
    command: session.command.join(' '),
  };
  let lines = `${JSON.stringify(header)}\n`;
  // Intervals are rounded: their sum must not drift from the time.
  let toldMs = 0;
  const event = (at: number, code: string, text: string) => {
    const dueMs = Math.max(toldMs, Math.round(at - startedAt));
    lines += `${JSON.stringify([(version === 3 ? dueMs - toldMs : dueMs) / 1000, code, text])}\n`;
    toldMs = dueMs;
  };
  if (start.text !== '') event(startedAt, 'o', start.text);
  const decoder = new TextDecoder();
  let held = '';
  for await (const step of source.steps(start.offset)) {
    write(step);
    if (lines.length < WRITE_CHARACTERS) continue;
    await target(lines);
    lines = '';
  }
  const rest = held + decoder.decode();
  if (rest !== '') event(startedAt + toldMs, 'o', rest);
  if (version === 3 && session.end && source.to === session.outputEnd)
    event(session.endedAt ?? startedAt + toldMs, 'x', String(session.end.code ?? 0));
  await target(lines);

  function write(step: ExportStep): void {
    if (step.is === 'resize') event(step.at, 'r', `${step.size.cols}x${step.size.rows}`);
    else if (step.is === 'command') event(step.at, 'm', labelOf(step.command));
    else {
      const whole = held + decoder.decode(step.bytes, { stream: true });
      held = /\x1b(?:\][^\x07\x1b]*\x1b?)?$/.exec(whole.slice(-MAX_HELD))?.[0] ?? '';
      const text = whole.slice(0, whole.length - held.length).replace(SHELL_MARKS, '');
      if (text !== '') event(step.at, 'o', text);
    }
  }
}

/** `ann: make test`, on one line. */
function labelOf({ submitter, text }: Extract<ExportStep, { is: 'command' }>['command']): string {
  const line = text.replace(/\s+/g, ' ').slice(0, 200);
  return submitter ? `${submitter.name}: ${line}` : line;
}
