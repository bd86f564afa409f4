/** A part of a session’s output on disk: what is known of it, and what its file is called. */

/** `isClosed`: nothing is added any more; `isSealed`: and its file is the compressed one. */
export type Segment = { readonly start: number; bytes: number; fileBytes: number; isClosed: boolean; isSealed: boolean };

/** No segment is larger, bytes: what claims to be is damaged, and must not fill the memory. */
export const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;

/** A file, by its name, and what is wrong with it. */
export type Damage = { file: string; reason: string };

/** A segment beyond the output's end. */
export const setAside = (name: string): Damage => ({
  file: `${name}.damaged`,
  reason: 'it was set aside: its session never printed so much',
});

/** A sealed segment's length is in its name, so that nothing must be decompressed to know what is held. */
export function segmentName(
  { start, bytes, isSealed }: Pick<Segment, 'start' | 'bytes' | 'isSealed'>,
  form: 'raw' | 'zst' = isSealed ? 'zst' : 'raw',
): string {
  const name = `output-${String(start).padStart(16, '0')}`;
  return form === 'raw' ? `${name}.raw` : `${name}-${bytes}.zst`;
}
