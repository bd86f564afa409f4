/** `export --format archive`: everything about one session in one .tar.gz that needs no cmdop to be read. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { create } from 'tar';
import { lastCommands, lastEvents } from '../log-rows.ts';
import { EXPORT_FORMATS, type ExportTarget } from './formats.ts';
import type { ExportSource } from './source.ts';

/** Of the archive's own form: grows when a reader must know. */
const FORM = 1;

type Part = { readonly name: string; readonly what: string; write(target: ExportTarget): Promise<void> };
type Listed = { path: string; bytes: number; sha256: string; what: string };

export async function writeArchive(source: ExportSource, target: ExportTarget): Promise<void> {
  const staged = await mkdtemp(join(tmpdir(), 'cmdop-export-'));
  try {
    const listed: Listed[] = [];
    for (const part of partsOf(source)) listed.push(await stage(staged, part));
    const { session, from, to } = source;
    const manifest = {
      format: 'cmdop-archive',
      version: FORM,
      session: session.id,
      name: session.name,
      output: { from, to },
      files: listed,
    };
    await writeFile(join(staged, 'manifest.json'), json(manifest));
    await writeFile(join(staged, 'README.txt'), readme(session.name, listed));
    const files = ['README.txt', 'manifest.json', ...listed.map(({ path }) => path)];
    const packed = create({ gzip: true, portable: true, cwd: staged, prefix: folderName(session.name) }, files);
    for await (const bytes of packed) await target(bytes);
  } finally {
    await rm(staged, { recursive: true, force: true });
  }
}

function partsOf(source: ExportSource): Part[] {
  const { client, session } = source;
  const all = { session: session.id };
  /** Found while the output is read. */
  const gaps: { from: number; to: number }[] = [];
  const format = (name: string) => async (target: ExportTarget) => EXPORT_FORMATS.find((each) => each.name === name)?.write(source, target);
  return [
    {
      name: 'output.raw',
      what: 'what the programs printed, byte for byte; a hole is listed in gaps.json',
      async write(target) {
        let at: number = source.from;
        for await (const { from, bytes } of source.output()) {
          if (from > at) gaps.push({ from: at, to: from });
          at = from + bytes.length;
          await target(bytes);
        }
        if (at < source.to) gaps.push({ from: at, to: source.to });
      },
    },
    {
      name: 'gaps.json',
      what: 'ranges of the output, offsets, that are not in output.raw, since they are no longer held or damaged',
      write: (target) => target(json(gaps)),
    },
    { name: 'output.txt', what: 'the same as plain text', write: format('text') },
    { name: 'output.cast', what: 'the same with times, sizes and commands, for asciinema (asciicast v3)', write: format('asciicast') },
    {
      name: 'commands.jsonl',
      what: 'who ran what, with folder, exit code and place in the output: one command a line',
      write: async (target) => lines(await lastCommands(client, all, Number.POSITIVE_INFINITY), target),
    },
    {
      name: 'journal.jsonl',
      what: 'every event of the session, as the journal has it: one a line',
      write: async (target) => lines(await lastEvents(client, all, Number.POSITIVE_INFINITY), target),
    },
    {
      name: 'screen.json',
      what: 'what is on the screen now, with cursor, size, title and modes',
      write: async (target) => target(json(await client.request('session.screen', all))),
    },
    {
      name: 'session.json',
      what: 'name, address, program, folder, people, times, and the processes of now',
      write: async (target) => target(json(await client.request('session.inspect', all))),
    },
  ];
}

async function stage(folder: string, { name, what, write }: Part): Promise<Listed> {
  const file = join(folder, name);
  const stream = createWriteStream(file, { mode: 0o600 });
  await once(stream, 'open');
  await write(async (part) => {
    if (!stream.write(part)) await once(stream, 'drain');
  });
  stream.end();
  await once(stream, 'close');
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { path: name, bytes: (await stat(file)).size, sha256: hash.digest('hex'), what };
}

async function lines(rows: readonly unknown[], target: ExportTarget): Promise<void> {
  for (const row of rows) await target(`${JSON.stringify(row)}\n`);
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** One folder in the archive, whatever the session is called. */
const folderName = (name: string) => `cmdop-${name.replaceAll(/[^\w.-]+/g, '-').replace(/^[.-]+/, '') || 'session'}`;

function readme(name: string, files: readonly Listed[]): string {
  const rows = files.map(({ path, what }) => `${path.padEnd(16)}${what}\n`);
  return `Everything that cmdop knew about the session ${JSON.stringify(name)}.

manifest.json   what is in here, with the length and the SHA-256 of every file
${rows.join('')}
Offsets count the bytes of the session's output from its beginning; output.raw begins at the manifest's output.from.
Times are Unix times in milliseconds.
`;
}
