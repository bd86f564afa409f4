/**
 * Requests about the files of a session's machine: shapes and methods. Paths go from the session's folder, or are absolute.
 *
 * A name is text where it is UTF-8. Of other names each byte that fits nowhere is a lone surrogate U+DC80 … U+DCFF, and
 * back: every name that can be listed can be opened. Bytes go over streams; both ends hash the whole file, and compare.
 */
import { z } from 'zod';
import { integer, sessionId, sessionRef, sessionSummary, time } from './shapes.ts';
import { streamId } from './streams.ts';

const none = z.object({});

/** Longest path, characters. */
const path = z.string().min(1).max(4096);
/** SHA-256, hexadecimal. */
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const permissions = z.number().int().min(0).max(0o7777);

export const fileKind = z.enum(['file', 'folder', 'link', 'pipe', 'socket', 'device']);
export type FileKind = z.infer<typeof fileKind>;

export const fileEntry = z.object({
  name: z.string(),
  kind: fileKind,
  /** Bytes; of a file alone it says something. */
  size: integer,
  modifiedAt: time,
  /** Permission bits. */
  mode: permissions,
  /** Where a link leads, as it is written in it, and what is there: null where nothing is. */
  link: z.object({ target: z.string(), kind: fileKind.nullable(), size: integer }).optional(),
});
export type FileEntry = z.infer<typeof fileEntry>;

/** A file that is not whole yet: an upload that was cut, and may go on. */
export const partialUpload = z.object({
  id: z.string(),
  session: sessionId,
  sessionName: z.string(),
  /** Of the file that it is to be, absolute. */
  path: z.string(),
  /** Of the whole; null where that was not known. */
  size: integer.nullable(),
  /** What is there. */
  received: integer,
  /** Who sends it: a name. */
  by: z.string(),
  changedAt: time,
  /** When it is removed unless it goes on. */
  removedAt: time,
});
export type PartialUpload = z.infer<typeof partialUpload>;

export const FILES_METHODS = {
  /** Sorted, folders first; `from` counts entries. */
  'files.list': {
    params: z.object({
      session: sessionRef,
      path: path.default('.'),
      sort: z.enum(['name', 'size', 'modified']).default('name'),
      descending: z.boolean().default(false),
      from: integer.default(0),
      limit: z.number().int().min(1).max(1_000).default(500),
    }),
    result: z.object({
      /** Of the folder, absolute. */
      path: z.string(),
      /** Fewer than asked for where one answer would not hold them. */
      entries: z.array(fileEntry),
      /** In the folder. */
      total: integer,
      /** It has even more than are looked at. */
      isCut: z.boolean(),
    }),
  },
  'files.stat': {
    params: z.object({ session: sessionRef, path, /** Also the hash of what is in it. */ hash: z.boolean().default(false) }),
    result: z.object({ path: z.string(), entry: fileEntry, hash: sha256.nullable() }),
  },
  /** How a file begins, base64. */
  'files.view': {
    params: z.object({
      session: sessionRef,
      path,
      max: z
        .number()
        .int()
        .min(1)
        .max(512 * 1024)
        .default(64 * 1024),
    }),
    result: z.object({ path: z.string(), size: integer, modifiedAt: time, bytes: z.string() }),
  },
  /**
   * The bytes of a file from `from` to the `size` that it has now, over a stream. `prefix`: the hash of what the client has
   * up to `from`; throws `file-changed` where the file begins otherwise. After the stream's end, `files.finish`.
   */
  'files.read': {
    params: z.object({ session: sessionRef, path, from: integer.default(0), prefix: sha256.optional() }),
    result: z.object({ stream: streamId, path: z.string(), size: integer, mode: permissions, modifiedAt: time }),
  },
  /**
   * Bytes for a file, over a stream. They go into a file of their own beside it, and on where an upload of the same `key`
   * was cut: `from`, with the hash `prefix` of what is there; a client that has something else begins anew with `restart`.
   * After the stream's end, `files.finish` puts the file in its place, whole or not at all.
   */
  'files.write': {
    params: z.object({
      session: sessionRef,
      path,
      /** Null where the client does not know it yet: then nothing can go on after a cut. */
      size: integer.nullable(),
      /** What the client calls this upload, the same when it comes again. */
      key: z.string().regex(/^[0-9a-z]{8,64}$/),
      /** Takes the place of a file that is there. */
      overwrite: z.boolean().default(false),
      /** Of a new file; one that is there keeps its own. */
      mode: permissions.optional(),
      restart: z.boolean().default(false),
    }),
    result: z.object({ stream: streamId, path: z.string(), from: integer, prefix: sha256.nullable() }),
  },
  /** After the end of a stream of a file: `hash` is of the whole file as the client sent or got it. Throws `file-changed`. */
  'files.finish': {
    params: z.object({ stream: streamId, hash: sha256 }),
    result: z.object({ path: z.string(), size: integer, hash: sha256 }),
  },
  /** Makes a folder where none is. */
  'files.folder': { params: z.object({ session: sessionRef, path }), result: z.object({ path: z.string(), isNew: z.boolean() }) },
  /** Uploads that were cut, of one session or all. */
  'files.uploads': {
    params: z.object({ session: sessionRef.optional() }),
    result: z.object({ uploads: z.array(partialUpload) }),
  },
  /** Removes what is there of an upload that was cut. */
  'files.discard': { params: z.object({ session: sessionRef, id: z.string().max(64) }), result: none },
  /** Whether observers may read the files in the session's folder, as it is now, and below it. Only for owners. */
  'files.allow': {
    params: z.object({ session: sessionRef, observers: z.boolean() }),
    result: z.object({ session: sessionSummary }),
  },
} as const;
