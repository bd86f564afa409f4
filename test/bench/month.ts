/** A month of generated work in a state folder, written by the host's own classes: sessions that ended, their output, who ran what. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { localPaths } from '#local/paths.ts';
import { type ActorId, newSessionId, type Offset } from '#protocol/ids.ts';
import { Journal } from '../../main/host/journal/journal.ts';
import { Records } from '../../main/host/journal/records.ts';
import { OutputLog } from '../../main/host/output/output-log.ts';
import { ScreenCheckpoints } from '../../main/host/screen/screen-checkpoints.ts';
import { ScreenTerminal } from '../../main/host/screen/screen-terminal.ts';

export type MonthPlan = { sessions: number; outputBytes: number; commands: number; actors: number };

/** What is in it and can be looked for. */
export type Month = {
  /** Each with where its output ends, and whether its screens were kept. */
  sessions: { name: string; end: number; isDrawn: boolean }[];
  /** On disk, bytes of output before and after packing are told by who measures them. */
  outputBytes: number;
};

const MONTH_MS = 30 * 24 * 3_600_000;
/** Of how many sessions each, one keeps its screens as a running host does: parsing all would take minutes. */
const SCREENS_OF_EVERY = 8;
const SIZE = { cols: 120, rows: 30 };
const WORDS =
  'make test build deploy push npm run check docker compose kubectl get pods logs grep src main index.ts --watch --verbose -la'.split(' ');

/** `block`: output that is printed piece by piece. Calls `note` now and then. */
export async function generateMonth(home: string, plan: MonthPlan, block: Uint8Array, note: (text: string) => void): Promise<Month> {
  const paths = localPaths({ CMDOP_HOME: home });
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 });
  const begun = Date.now() - MONTH_MS;
  let now = begun;
  const journal = new Journal({ file: paths.journalFile, wallNow: () => now });
  const records = new Records({ journal, randomBytes: (n) => randomBytes(n) });
  const actors = Array.from(
    { length: plan.actors },
    (_, at) =>
      records.actorFor({ name: `actor-${at}`, kind: at % 3 === 0 ? 'agent' : 'human', interface: at % 3 === 0 ? 'mcp' : 'cli' }).id,
  );
  const perSession = Math.floor(plan.commands / plan.sessions);
  const perCommand = Math.floor(plan.outputBytes / plan.commands);
  const month: Month = { sessions: [], outputBytes: 0 };
  for (let at = 0; at < plan.sessions; at++) {
    if (at % 20 === 0) note(`session ${at} of ${plan.sessions}`);
    now = begun + (MONTH_MS * at) / plan.sessions;
    const id = newSessionId((n) => randomBytes(n));
    const folder = join(paths.stateDir, 'sessions', id);
    const log = await OutputLog.open({ folder, budgetBytes: () => 1e9, wallNow: () => now, stored: () => {}, problem: () => {} });
    const isDrawn = at % SCREENS_OF_EVERY === 0;
    const checkpoints = isDrawn ? await ScreenCheckpoints.open(folder) : null;
    const terminal = isDrawn ? new ScreenTerminal({ offset: 0 as Offset, size: SIZE, snapshot: null }) : null;
    let offset = 0;
    journal.append({ session: id, actor: null, interface: null, kind: 'resize', outputOffset: 0 as Offset, payload: { ...SIZE } });
    for (let command = 0; command < perSession; command++) {
      const number = at * perSession + command;
      const text = commandText(number);
      const head = Buffer.from(`$ ${text}\r\n`);
      const tail = Buffer.from(`\x1b[0m\r\ntoken-${number} done in session ${at}\r\n`);
      const from = (number * 7919 * 64) % (block.length - perCommand);
      const bytes = Buffer.concat([head, block.subarray(from, from + Math.max(0, perCommand - head.length - tail.length)), tail]);
      log.append(offset as Offset, bytes);
      terminal?.take(bytes);
      for (const event of terminal?.events() ?? [])
        if (event.kind === 'checkpoint') checkpoints?.add({ ...event.snapshot, text: new TextDecoder().decode(event.snapshot.text) });
      save(number, { session: id, text, from: offset + head.length, to: offset + bytes.length });
      offset += bytes.length;
      now += 1_000;
      if (command % 8 === 7) await log.flushed();
    }
    terminal?.dispose();
    await log.dispose();
    await checkpoints?.flushed();
    const name = `session-${at}`;
    records.saveSession({
      id,
      name,
      command: ['/bin/bash'],
      cwd: '/src',
      title: '',
      size: SIZE,
      createdAt: begun + (MONTH_MS * at) / plan.sessions,
      endedAt: now,
      end: { reason: 'exited', code: 0, signal: null },
      bootId: 'another',
    });
    month.sessions.push({ name, end: offset, isDrawn });
    month.outputBytes += offset;
  }
  journal.dispose();
  return month;

  function save(
    number: number,
    { session, text, from, to }: { session: ReturnType<typeof newSessionId>; text: string; from: number; to: number },
  ) {
    const actor = actors[number % actors.length] as ActorId;
    const interfaceKind = 'cli' as const;
    for (const [is, place] of [
      ['started', from],
      ['ended', to],
    ] as const)
      journal.append({
        session,
        actor,
        interface: interfaceKind,
        kind: 'command',
        outputOffset: place as Offset,
        payload: { is, command: number + 1, text },
      });
    records.commands.save({
      id: records.commands.newId(),
      session,
      text,
      authors: [actor],
      submitter: actor,
      unit: null,
      cwd: '/src',
      startedAt: now,
      endedAt: now + 900,
      durationMs: 900,
      exitCode: number % 9 === 0 ? 1 : 0,
      from: from as Offset,
      to: to as Offset,
      source: 'shell',
    });
  }
}

function commandText(number: number): string {
  const words = Array.from({ length: 3 + (number % 6) }, (_, at) => WORDS[(number * 7 + at * 13 + (number >> at)) % WORDS.length] ?? '');
  return `${words.join(' ')} --id=${number.toString(36)}`;
}
