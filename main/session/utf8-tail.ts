/** Where a chunk of UTF-8 ends within a character. Pure. */

/**
 * Bytes at the end of `bytes`, 0 to 3, that begin a character and do not end it.
 *
 * They have to be kept back from xterm.js 6.0: it drops a character cut where a byte before the cut is 0x80, among them
 * every dash, ellipsis and typographic quote (`Utf8ToUtf32.decode` takes such a byte for none).
 */
export function unfinishedBytes(bytes: Uint8Array): number {
  const last = bytes.length - 1;
  for (let back = 0; back < 3 && back <= last; back++) {
    const byte = bytes[last - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue; // it continues a character
    const length = byte >= 0xf8 || byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back + 1 ? back + 1 : 0;
  }
  return 0;
}
