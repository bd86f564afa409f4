/** The formats of `cmdop export`, one row each; what a format takes is loaded when it is asked for. */
import type { ExportSource } from './source.ts';

/** Where an export goes, in order; resolves when there is room for more. */
export type ExportTarget = (part: string | Uint8Array) => Promise<void>;

export type ExportFormat = {
  readonly name: string;
  readonly description: string;
  /** Of a file that is named after its session. */
  readonly extension: string;
  /** It is no text, and not for a terminal. */
  readonly isBinary?: true;
  write(source: ExportSource, target: ExportTarget): Promise<void>;
};

export const EXPORT_FORMATS: readonly ExportFormat[] = [
  {
    name: 'asciicast',
    description: 'a recording for asciinema (asciicast v3), with who ran what as markers',
    extension: 'cast',
    write: async (source, target) => (await import('./asciicast.ts')).writeAsciicast(source, target, 3),
  },
  {
    name: 'asciicast-v2',
    description: 'the same for asciinema 2, which knows no v3 and, when it plays, no changes of size',
    extension: 'cast',
    write: async (source, target) => (await import('./asciicast.ts')).writeAsciicast(source, target, 2),
  },
  {
    name: 'text',
    description: 'what was printed, as plain text',
    extension: 'txt',
    write: async (source, target) => (await import('./text.ts')).writeText(source, target),
  },
  {
    name: 'html',
    description: 'a page by itself, in colours, with who ran what in its margin',
    extension: 'html',
    write: async (source, target) => (await import('./html.ts')).writeHtml(source, target),
  },
  {
    name: 'archive',
    description: 'everything about it in one .tar.gz: output, commands, journal, screen, with hashes',
    extension: 'tar.gz',
    isBinary: true,
    write: async (source, target) => (await import('./archive.ts')).writeArchive(source, target),
  },
];
