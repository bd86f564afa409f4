/** `export`: what a session was, as a file. The formats are in export/formats.ts. */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { CmdopClient } from '#client/cmdop-client.ts';
import type { Offset } from '#protocol/ids.ts';
import type { SessionSummary } from '#protocol/shapes.ts';
import { type Globals, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { EXPORT_FORMATS, type ExportFormat, type ExportTarget } from './export/formats.ts';
import { ExportSource } from './export/source.ts';
import { note } from './output.ts';
import { sinceOf } from './since.ts';

export type ExportOptions = Globals & { format: string; output?: string; from?: string; to?: string };

export async function exportSession(options: ExportOptions, reference: string): Promise<void> {
  const format = EXPORT_FORMATS.find(({ name }) => name === options.format);
  if (!format) throw new UsageError(`"${options.format}" is no format: choose ${EXPORT_FORMATS.map(({ name }) => name).join(', ')}`);
  if (format.isBinary && options.output === undefined && process.stdout.isTTY)
    throw new UsageError(`${format.name} is not for a terminal: name a file with -o FILE`);
  await withClient(options, async (client) => {
    const { session, output } = await client.request('session.inspect', { session: sessionRef(reference) });
    const [from, to] = [await placeOf(client, session, options.from), await placeOf(client, session, options.to)];
    const source = new ExportSource({
      client,
      session,
      from: Math.max(output.start, from ?? output.start) as Offset,
      to: Math.min(output.end, to ?? output.end) as Offset,
    });
    if (output.start > (from ?? 0)) note(`${session.name} is held from offset ${output.start} on: the export begins there`);
    await write(format, source, options.output);
  });
}

/** A file is there whole or not at all. */
async function write(format: ExportFormat, source: ExportSource, file: string | undefined): Promise<void> {
  if (file === undefined || file === '-') return format.write(source, writer(process.stdout));
  const unfinished = `${file}.part`;
  const stream = createWriteStream(unfinished, { mode: 0o600 });
  try {
    await once(stream, 'open');
    await format.write(source, writer(stream));
    stream.end();
    await once(stream, 'close');
    await rename(unfinished, file);
  } catch (error) {
    stream.destroy();
    await rm(unfinished, { force: true });
    throw error;
  }
  note(`${source.session.name} is in ${file}`);
}

function writer(stream: WriteStream | NodeJS.WriteStream): ExportTarget {
  return async (part) => {
    if (!stream.write(part)) await once(stream, 'drain');
  };
}

/** The offset that `--from` or `--to` means: an offset as `@12345`, or a time. */
async function placeOf(client: CmdopClient, session: SessionSummary, given: string | undefined): Promise<Offset | null> {
  if (given === undefined) return null;
  const offset = /^@(\d+)$/.exec(given)?.[1];
  if (offset !== undefined) return Number(offset) as Offset;
  const time = sinceOf(given);
  for (let from: Offset | null = 0 as Offset; from !== null; ) {
    const page: { times: [Offset, number][]; next: Offset | null } = await client.request('output.timeline', { session: session.id, from });
    const behind = page.times.find(([, at]) => at >= time);
    if (behind) return behind[0];
    from = page.next;
  }
  return session.outputEnd;
}
