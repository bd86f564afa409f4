/** Who asks for control, until it is given, put off, or nobody waits for it any more. */
import { app, type ControlRequest, type HostedSession } from './store.ts';

/** A request that nobody answers is not worth a line for longer, milliseconds. */
const REQUEST_SHOWN_MS = 60_000;

/** Somebody asks; the same one again takes the place of the first. */
export function controlRequested(request: ControlRequest): void {
  app.set(({ requests }) => ({ requests: [...requests.filter((each) => each.client !== request.client), request] }));
  setTimeout(() => dropRequest(request), REQUEST_SHOWN_MS);
}

export function dropRequest(request: ControlRequest): void {
  app.set(({ requests }) => ({ requests: requests.filter((each) => each !== request) }));
}

/** Whoever asked has control now, or is gone. */
export function settleRequests(session: HostedSession): void {
  const isOver = ({ session: key, client }: ControlRequest) =>
    key === session.key && (session.control.holder?.client === client || !session.attached.some((each) => each.client === client));
  if (app.get().requests.some(isOver)) app.set(({ requests }) => ({ requests: requests.filter((request) => !isOver(request)) }));
}

/** The oldest request in the session in front. */
export function openRequest(): ControlRequest | null {
  const { requests, preferences } = app.get();
  return requests.find(({ session }) => session === preferences.activeTab) ?? null;
}
