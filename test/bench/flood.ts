/** How fast a long log reaches an attached client: from the Enter until its last byte was seen. */
import type { BuildLog } from './build-log.ts';
import { awaken, type Peer, type View, Watch } from './peer.ts';
import { cpuSeconds, sum } from './processes.ts';

const END = 'FLOOD-IS-OVER';

export type Flood = {
  /** Of the log as printed, whatever a peer makes of it on the way, 10⁶ bytes a second. */
  megabytesPerSecond: number;
  /** Of everything between the program and the client, seconds. */
  cpuSeconds: number;
  /** Seen by the client: less than the log where a peer draws only what is visible in the end. */
  seenBytes: number;
  /** Left out with a gap and a fresh screen, because this process had no turn for so long. */
  skippedBytes: number;
};

/** With `isExact`, throws unless the client saw the log byte by byte, or was told what it did not see. */
export async function measureFlood(peer: Peer, { log, isExact }: { log: BuildLog; isExact: boolean }): Promise<Flood> {
  const session = await peer.start(
    `stty -echo; read x; printf READY; while read y && [ "$y" != go ]; do :; done; cat ${log.file}; printf ${END}; exec cat`,
  );
  const watch = new Watch();
  let isFlooding = false;
  let seenBytes = 0;
  let view: View | null = null;
  const isWhole = () => isExact && view?.skippedBytes() === 0;
  view = await session.attach((bytes) => {
    watch.received(bytes);
    if (!isFlooding) return;
    const part = bytes.subarray(0, Math.max(0, log.printedBytes - seenBytes));
    if (isWhole() && !log.isPrintedAt(seenBytes, part)) throw new Error(`${peer.name} changed the output near byte ${seenBytes}`);
    seenBytes += bytes.length;
  });
  await awaken(view, watch);
  isFlooding = true;
  const relays = await session.relayPids();
  const cpuBefore = sum(relays, cpuSeconds);
  const isOver = watch.until(END);
  const startedAt = performance.now();
  view.type('go\r');
  await isOver;
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = sum(relays, cpuSeconds) - cpuBefore;
  const skippedBytes = view.skippedBytes();
  await session.end();
  if (isWhole() && seenBytes !== log.printedBytes + END.length) {
    throw new Error(`${peer.name} showed ${seenBytes} bytes of ${log.printedBytes + END.length}`);
  }
  return { megabytesPerSecond: log.printedBytes / seconds / 1e6, cpuSeconds: cpu, seenBytes, skippedBytes };
}
