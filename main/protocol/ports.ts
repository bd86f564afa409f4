/**
 * Requests about the ports on which a session's programs listen, and forwards of them: a port of the host's machine,
 * opened on the client's.
 */
import { z } from 'zod';
import { ERROR_CODES } from './errors.ts';
import { integer, sessionId, sessionRef, time } from './shapes.ts';
import { streamId } from './streams.ts';

const none = z.object({});
export const portNumber = z.number().int().min(1).max(65_535);

/** A TCP port on which a process of the session listens. */
export const listeningPort = z.object({
  port: portNumber,
  /** On which addresses, as numbers: `127.0.0.1`, `0.0.0.0`, `::`. */
  addresses: z.array(z.string().max(64)).max(64),
  /** The process that listens; the first of several. */
  pid: integer,
  command: z.string(),
  /** The address that a program of the session printed for it, or null. */
  url: z.string().max(2048).nullable(),
  /** When it was first seen. */
  since: time,
});
export type ListeningPort = z.infer<typeof listeningPort>;

const forwardId = integer;

export const PORT_METHODS = {
  'ports.list': { params: z.object({ session: sessionRef }), result: z.object({ ports: z.array(listeningPort) }) },
  /**
   * From now on `ports.changed` comes for this session, until `ports.unwatch` or the end of the connection. `isOpen`:
   * somebody looks at the list now, so that it is renewed also while the session prints nothing.
   */
  'ports.watch': {
    params: z.object({ session: sessionRef, isOpen: z.boolean().default(false) }),
    result: z.object({ session: sessionId, ports: z.array(listeningPort) }),
  },
  'ports.unwatch': { params: z.object({ session: sessionRef }), result: none },
  /**
   * Answers as soon as anything on the session's machine listens on the port, whoever it is, and with false when nothing does
   * within the time; who waits longer asks again. At once where one connection has too many such questions.
   */
  'ports.wait': {
    params: z.object({ session: sessionRef, port: portNumber, timeoutMs: z.number().int().min(0).max(30_000) }),
    result: z.object({ isListening: z.boolean() }),
  },
  /**
   * Lets this connection reach a port on which a process of the session listens; `any`: whoever listens on it, on this
   * machine's loopback. For operators, `any` for human owners. Holds until `ports.close`, the session's end, or the loss of
   * the right to act in it.
   */
  'ports.forward': {
    params: z.object({ session: sessionRef, port: portNumber, any: z.boolean().default(false) }),
    result: z.object({ forward: forwardId, session: sessionId, sessionName: z.string(), port: portNumber }),
  },
  /** One TCP connection to a forwarded port. */
  'ports.connect': { params: z.object({ forward: forwardId }), result: z.object({ stream: streamId }) },
  'ports.close': { params: z.object({ forward: forwardId }), result: none },
} as const;

export const PORT_EVENTS = {
  'ports.changed': z.object({ session: sessionId, ports: z.array(listeningPort) }),
  /** A forward of this connection has ended; `message`: why, the sentence to show, and `code`, as of an error. */
  'ports.closed': z.object({ forward: forwardId, message: z.string(), code: z.enum(ERROR_CODES).optional().catch(undefined) }),
} as const;
