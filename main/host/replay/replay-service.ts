/** The host's answers to who looks at a session's past: when output came, and screens of it. */
import type { Offset, SessionId } from '#protocol/ids.ts';
import type { REPLAY_METHODS } from '#protocol/replay.ts';
import type { Records } from '../journal/records.ts';
import type { TimeMark } from '../output/segment-times.ts';
import type { Registry } from '../registry.ts';
import type { Service } from '../service.ts';
import type { LiveSession } from '../sessions/live-session.ts';
import { sessionLookups } from '../sessions/session-lookups.ts';
import { Preparations } from './preparations.ts';
import type { ReplaySource } from './replay-messages.ts';
import { ReplayScreens } from './replay-screens.ts';

/** Sizes in one answer. */
const MAX_SIZES = 2_000;

export type ReplayContext = {
  records: Records;
  registry: Registry;
  /** Folder of a session's output. */
  folderOf(session: SessionId): string;
};

export function replayService({ records, registry, folderOf }: ReplayContext): Service<keyof typeof REPLAY_METHODS> {
  const screens = new ReplayScreens();
  const preparations = new Preparations(screens);
  const { seen } = sessionLookups(registry);
  const sourceOf = async ({ id, output }: LiveSession): Promise<ReplaySource> => {
    const { start, end } = output;
    const sizes = Array.from({ length: output.sizes.length }, (_, index) => output.sizes.get(index)).flatMap((size) => size ?? []);
    await output.stored();
    return { folder: folderOf(id), start, end, sizes };
  };

  return {
    handlers: {
      async 'output.timeline'(connection, { session: reference, from, thinMs, limit }, answer) {
        const session = seen(connection, reference);
        const { output } = session;
        const { start, end, sizes } = output;
        const found = await timesOf(session, records, { from: Math.max(from, start) as Offset, thinMs, limit });
        const next = found.next ?? end;
        const inside: { offset: Offset; size: ReturnType<typeof sizes.sizeAt> }[] = [];
        for (let index = sizes.indexAfter(from), size = sizes.get(index); size && size.offset <= next; size = sizes.get(++index))
          inside.push(size);
        answer({
          start,
          end,
          times: found.marks.map(({ offset, at }): [Offset, number] => [offset as Offset, at]),
          sizes: [{ offset: from, size: sizes.sizeAt(from) }, ...inside.slice(-MAX_SIZES)],
          next: found.next,
          isRecorded: found.isRecorded,
        });
      },
      async 'replay.screen'(connection, { session: reference, offset, scrollback }, answer) {
        const session = seen(connection, reference);
        const source = await sourceOf(session);
        answer(await screens.draw(source, { offset: Math.min(offset, source.end) as Offset, scrollback }));
      },
      async 'replay.prepare'(connection, { session: reference }, answer) {
        const session = seen(connection, reference);
        answer({ isPrepared: await preparations.prepare(connection, session.id, () => sourceOf(session)) });
      },
      'replay.cancel'(connection, { session: reference }, answer) {
        preparations.cancel(connection, registry.find(reference).id);
        answer({});
      },
    },
    sessionChanged(session) {
      if (registry.get(session.id) !== session) preparations.end(session.id);
    },
    closed: (connection) => preparations.closed(connection),
    dispose: () => screens.dispose(),
  };
}

type Wanted = { from: Offset; thinMs: number; limit: number };
type Times = { marks: TimeMark[]; next: Offset | null; isRecorded: boolean };

/** Marks of the output log; where it has none, those that the journal gives. */
async function timesOf(session: LiveSession, records: Records, { from, thinMs, limit }: Wanted): Promise<Times> {
  const marks: TimeMark[] = [];
  let isRecorded = true;
  for (let at = from; ; ) {
    const segment = await session.output.times(at);
    if (!segment) return { marks, next: null, isRecorded };
    if (segment.marks.length === 0) isRecorded = false;
    const found = segment.marks.length > 0 ? segment.marks : records.timesOfEvents(session.id, { from: at, to: segment.to });
    for (const mark of found) {
      const last = marks.at(-1);
      if (last && (mark.offset <= last.offset || mark.at - last.at < thinMs)) continue;
      if (marks.length === limit) return { marks, next: mark.offset as Offset, isRecorded };
      marks.push(last ? { ...mark, at: Math.max(mark.at, last.at) } : mark);
    }
    at = segment.to;
  }
}
