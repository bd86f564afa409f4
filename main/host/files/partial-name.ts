/** What the beginning of an upload is called, beside the file that it is to be. */
import { createHash } from 'node:crypto';
import { bytesOfName, nameOfBytes } from '#session/file-names.ts';

/** Longest that file systems take, bytes. */
const MAX_NAME_BYTES = 255;
const MARK = '.cmdop-upload-';
const ID_LENGTH = 16;

/** The same for the same upload into the same file. */
export function partialName(name: string, key: string): string {
  const id = createHash('sha256').update(`${key}\0${name}`).digest('hex').slice(0, ID_LENGTH);
  const room = MAX_NAME_BYTES - 1 - MARK.length - ID_LENGTH;
  const bytes = bytesOfName(name);
  // Cut inside a character, its first bytes would be no text: the id tells such names apart as well.
  const start = bytes.length <= room ? name : nameOfBytes(bytes.subarray(0, room)).replace(/[\udc80-\udcff]+$/, '');
  return `.${start}${MARK}${id}`;
}

export const isPartialName = (name: string): boolean =>
  new RegExp(`^\\..*${MARK.replaceAll('.', '\\.')}[0-9a-f]{${ID_LENGTH}}$`, 's').test(name);
