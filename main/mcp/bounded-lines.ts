/** Lines up to a bound, for a protocol of lines: a longer one is left out, whatever its length, and told. */
import { Transform } from 'node:stream';

/** Of a line that is left out, kept of its beginning and its end, bytes: enough for the request's number. */
const KEPT_BYTES = 256;
const NEWLINE = 0x0a;

export type LeftOut = { bytes: number; beginning: string; end: string };

export function boundedLines(maxBytes: number, leftOut: (line: LeftOut) => void): Transform {
  /** Of the line that has begun: what came so far, or, where that is too much, its ends. */
  let begun: Buffer[] = [];
  let bytes = 0;
  const add = (piece: Buffer) => {
    bytes += piece.length;
    begun.push(piece);
    if (bytes <= maxBytes) return;
    const all = Buffer.concat(begun);
    begun = [Buffer.from(all.subarray(0, KEPT_BYTES)), Buffer.from(all.subarray(Math.max(KEPT_BYTES, all.length - KEPT_BYTES)))];
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let at = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
        add(chunk.subarray(at, end));
        if (bytes <= maxBytes) this.push(Buffer.concat([...begun, Buffer.of(NEWLINE)]));
        else leftOut({ bytes, beginning: String(begun[0]), end: String(begun[1]) });
        begun = [];
        bytes = 0;
        at = end + 1;
      }
      if (at < chunk.length) add(Buffer.from(chunk.subarray(at)));
      done();
    },
  });
}

/** The id of a JSON-RPC request by its ends, where it is the first or the last of its fields, as clients write it. */
export function requestId({ beginning, end }: LeftOut): number | string | null {
  const id = String.raw`"id"\s*:\s*(\d{1,15}|"[\w.:-]{1,100}")`;
  const found =
    new RegExp(`${id}\\s*\\}\\s*$`).exec(end) ?? new RegExp(`^\\s*\\{\\s*("jsonrpc"\\s*:\\s*"2.0"\\s*,\\s*)?${id}`).exec(beginning);
  const text = found?.at(-1);
  return text === undefined ? null : (JSON.parse(text) as number | string);
}
