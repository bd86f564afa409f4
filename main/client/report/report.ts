/** A report of what was done in sessions: put together from command records, the journal and checkpoints. Pure. */
import type { Checkpoint } from '#protocol/checkpoints.ts';
import type { CommandRecord, JournalEvent } from '#protocol/shapes.ts';

export type ReportSource = {
  readonly title: string;
  /** Null: since the beginning. */
  readonly since: number | null;
  readonly now: number;
  readonly sessions: readonly { readonly id: string; readonly name: string }[];
  /** Oldest first, as the events and checkpoints. */
  readonly commands: readonly CommandRecord[];
  readonly events: readonly JournalEvent[];
  readonly checkpoints: readonly Checkpoint[];
  /** What differs from the newest checkpoint of a folder now. */
  readonly sinceLast: readonly {
    readonly folder: string;
    readonly checkpoint: number;
    readonly at: number;
    readonly paths: readonly string[];
  }[];
};

export type Worker = {
  readonly name: string;
  readonly kind: 'human' | 'agent';
  /** How they came, each in a few words. */
  readonly came: readonly string[];
  readonly commands: number;
  readonly failed: number;
  readonly firstAt: number;
  readonly lastAt: number;
};

export type ReportedCommand = {
  readonly at: number;
  readonly session: string;
  readonly who: string;
  readonly text: string;
  readonly folder: string;
  readonly exitCode: number | null;
};
export type ReportedApproval = {
  readonly at: number;
  readonly session: string;
  readonly actor: string;
  readonly text: string;
  readonly state: 'pending' | 'approved' | 'rejected' | 'expired' | 'withdrawn';
  readonly by: string | null;
  readonly edited: string | null;
};
/** What changed in a folder between two checkpoints; `who` ran commands there meanwhile: that they did it is not proved. */
export type ReportedFiles = {
  readonly folder: string;
  readonly from: number;
  /** Null: now. */
  readonly to: number | null;
  readonly who: readonly string[];
  readonly count: number;
  readonly paths: readonly string[];
};

export type Report = {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly sessions: readonly string[];
  readonly who: readonly Worker[];
  readonly commands: { readonly total: number; readonly failed: number; readonly list: readonly ReportedCommand[] };
  readonly approvals: {
    readonly asked: number;
    readonly approved: number;
    readonly rejected: number;
    readonly list: readonly ReportedApproval[];
  };
  readonly files: readonly ReportedFiles[];
  readonly notable: readonly { readonly at: number; readonly session: string; readonly what: string }[];
};

/** Kinds of journal events that a report reads. */
export const REPORTED_KINDS = ['attach', 'approval', 'control', 'agents', 'role', 'gap', 'checkpoint', 'session', 'signal'];

export function makeReport(source: ReportSource): Report {
  const { commands, events, checkpoints, title, now } = source;
  const names = new Map(source.sessions.map(({ id, name }) => [id, name]));
  const nameOf = (session: string | null) => (session === null ? '' : (names.get(session) ?? session));
  const times = [...commands.map(({ startedAt }) => startedAt), ...events.map(({ at }) => at)];
  const isFailure = ({ exitCode }: CommandRecord) => exitCode !== null && exitCode !== 0;
  const approvals = approvalsIn(events, nameOf);
  return {
    title,
    from: source.since ?? Math.min(now, ...times),
    to: now,
    sessions: source.sessions.map(({ name }) => name),
    who: workersIn(source),
    commands: {
      total: commands.length,
      failed: commands.filter(isFailure).length,
      list: commands.map((command) => ({
        at: command.startedAt,
        session: command.sessionName,
        who: whoRan(command),
        text: command.text,
        folder: command.cwd,
        exitCode: command.exitCode,
      })),
    },
    approvals: {
      asked: approvals.length,
      approved: approvals.filter(({ state }) => state === 'approved').length,
      rejected: approvals.filter(({ state }) => state === 'rejected').length,
      list: approvals,
    },
    files: [...filesIn(checkpoints, commands), ...filesSince(source)],
    notable: events.flatMap((event) => {
      const what = notable(event);
      return what === null ? [] : [{ at: event.at, session: nameOf(event.session), what }];
    }),
  };
}

const whoRan = ({ submitter, authors }: CommandRecord): string => submitter?.name ?? authors[0]?.name ?? 'the session itself';

function workersIn({ commands, events }: ReportSource): Worker[] {
  type Counting = { kind: Worker['kind']; came: Set<string>; commands: number; failed: number; firstAt: number; lastAt: number };
  const workers = new Map<string, Counting>();
  const seen = (name: string, kind: Worker['kind'], at: number): Counting => {
    const worker = workers.get(name) ?? { kind, came: new Set(), commands: 0, failed: 0, firstAt: at, lastAt: at };
    workers.set(name, worker);
    worker.firstAt = Math.min(worker.firstAt, at);
    worker.lastAt = Math.max(worker.lastAt, at);
    return worker;
  };
  for (const event of events) {
    if (event.kind !== 'attach' || event.actorName === null) continue;
    seen(event.actorName, event.interface === 'mcp' ? 'agent' : 'human', event.at).came.add(cameBy(event));
  }
  for (const command of commands) {
    const { submitter, authors, startedAt, endedAt, exitCode } = command;
    for (const author of authors) seen(author.name, author.kind, startedAt);
    if (!submitter) continue;
    const worker = seen(submitter.name, submitter.kind, startedAt);
    seen(submitter.name, submitter.kind, endedAt ?? startedAt);
    worker.commands++;
    if (exitCode !== null && exitCode !== 0) worker.failed++;
  }
  return [...workers].map(([name, { came, ...worker }]) => ({ name, ...worker, came: [...came] })).sort((a, b) => b.commands - a.commands);
}

const INTERFACES: Readonly<Record<string, string>> = {
  desktop: 'the app',
  cli: 'the command line',
  browser: 'a browser',
  ssh: 'SSH',
  mcp: 'MCP',
};

function cameBy({ interface: via, payload }: JournalEvent): string {
  const place = INTERFACES[via ?? ''] ?? 'an unknown interface';
  const proof = payload.authentication;
  const origin = payload.origin;
  if (isRecord(proof)) {
    const key = typeof proof.key === 'string' ? ` ${proof.key}` : '';
    return `${place}, as a guest by ${proof.by === 'link' ? 'a link' : proof.by === 'ssh-key' ? 'an SSH key' : 'a key'}${key}`;
  }
  if (isRecord(origin)) {
    const from = typeof origin.from === 'string' ? ` from ${origin.from}` : '';
    const user = typeof origin.user === 'string' ? ` as ${origin.user}` : '';
    const key = typeof origin.key === 'string' ? ` with the key ${origin.key}` : '';
    return `${place}, over ${origin.kind === 'ssh' ? 'SSH' : 'a command'}${from}${user}${key}`;
  }
  return payload.via === 'websocket' ? `${place}, by a one-time link` : `${place}, on this account`;
}

function approvalsIn(events: readonly JournalEvent[], nameOf: (session: string | null) => string): ReportedApproval[] {
  const found = new Map<number, ReportedApproval>();
  for (const { kind, payload, at, session, actorName } of events) {
    if (kind !== 'approval' || typeof payload.id !== 'number') continue;
    const asked = found.get(payload.id);
    if (payload.is === 'asked') {
      const text = typeof payload.text === 'string' ? payload.text : '';
      found.set(payload.id, { at, session: nameOf(session), actor: actorName ?? '', text, state: 'pending', by: null, edited: null });
    } else if (
      asked &&
      (payload.is === 'approved' || payload.is === 'rejected' || payload.is === 'expired' || payload.is === 'withdrawn')
    ) {
      const edited = typeof payload.edited === 'string' ? payload.edited : null;
      found.set(payload.id, { ...asked, state: payload.is, by: actorName, edited });
    }
  }
  return [...found.values()];
}

function filesIn(checkpoints: readonly Checkpoint[], commands: readonly CommandRecord[]): ReportedFiles[] {
  const last = new Map<string, Checkpoint>();
  const files: ReportedFiles[] = [];
  for (const made of checkpoints) {
    const before = last.get(made.folder);
    last.set(made.folder, made);
    const { added, modified, deleted, paths } = made.changed;
    const count = added + modified + deleted;
    if (!before || count === 0) continue;
    files.push({
      folder: made.folder,
      from: before.id,
      to: made.id,
      who: whoWorked(commands, made.folder, [before.at, made.at]),
      count,
      paths,
    });
  }
  return files;
}

function filesSince({ sinceLast, commands, now }: ReportSource): ReportedFiles[] {
  return sinceLast.flatMap(({ folder, checkpoint, at, paths }) => {
    if (paths.length === 0) return [];
    return [{ folder, from: checkpoint, to: null, who: whoWorked(commands, folder, [at, now]), count: paths.length, paths }];
  });
}

/** Whoever ran something in the folder in that time. */
function whoWorked(commands: readonly CommandRecord[], folder: string, [from, to]: readonly [number, number]): string[] {
  const there = commands.filter(
    ({ cwd, startedAt, endedAt }) => (cwd === folder || cwd.startsWith(`${folder}/`)) && startedAt <= to && (endedAt ?? to) >= from,
  );
  return [...new Set(there.map(whoRan))];
}

function notable({ kind, payload, actorName }: JournalEvent): string | null {
  const who = actorName ?? 'somebody';
  switch (kind) {
    case 'control':
      return payload.by === 'take' || payload.by === 'grant' ? `control was ${payload.by === 'take' ? 'taken' : 'given'} by ${who}` : null;
    case 'agents':
      return payload.is === 'paused' || payload.is === 'resumed' ? `${who} ${payload.is} agents` : null;
    case 'role':
      return typeof payload.name === 'string'
        ? `${who} ${payload.is === 'kicked' ? `removed ${payload.name}` : `made ${payload.name} ${String(payload.role)}`}`
        : null;
    case 'gap':
      return `output from offset ${String(payload.from)} to ${String(payload.to)} was lost`;
    case 'signal':
      return `${who} sent ${String(payload.signal)}`;
    case 'session':
      if (payload.is === 'ended')
        return `the session ended (${String(payload.reason)}${payload.code === null ? '' : `, exit code ${String(payload.code)}`})`;
      return payload.is === 'created' || payload.is === 'restarted' ? `the session was ${payload.is}` : null;
    case 'checkpoint':
      if (payload.is === 'restored')
        return `${who} restored checkpoint ${String(payload.id)}: ${String(payload.written)} files, ${String(payload.deleted)} deleted`;
      return payload.is === 'failed' ? `no checkpoint was made: ${String(payload.reason)}` : null;
    default:
      return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
