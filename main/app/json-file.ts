/** A small file of settings: read with a schema, written whole, never a reason not to start. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';

/** What the file holds; `fallback` if there is none, or if it is broken: then one line on stderr says so. */
export function readJsonFile<T>(file: string, schema: z.ZodType<T>, fallback: T): T {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return fallback; // first start
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    warn(`${file} is broken and was ignored (${error instanceof Error ? firstLine(error.message) : String(error)})`);
    return fallback;
  }
}

/** Replaces the file in one step. A disk that refuses costs the setting, not the window. */
export function writeJsonFile(file: string, value: unknown): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.new`, JSON.stringify(value, null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    warn(`${file} cannot be written (${error instanceof Error ? error.message : String(error)}): settings last until the window closes`);
  }
}

function warn(sentence: string): void {
  process.stderr.write(`cmdop: ${sentence}\n`);
}

const firstLine = (text: string) => text.replaceAll(/\s+/g, ' ').slice(0, 120);
