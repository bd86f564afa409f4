/**
 * What commands print with `--json`, as shapes: one row a command, and a test that no command lacks one. Fields are only
 * ever added, so that a reader that ignores what it does not know reads every later version.
 */
import { z } from 'zod';
import { approval } from '#protocol/approvals.ts';
import { checkpoint } from '#protocol/checkpoints.ts';
import { fileEntry } from '#protocol/files.ts';
import { METHODS } from '#protocol/messages.ts';
import { listeningPort } from '#protocol/ports.ts';
import { prunedSession } from '#protocol/retention.ts';
import { searchHit } from '#protocol/search.ts';
import {
  attachment,
  commandRecord,
  control,
  hostStatus,
  integer,
  journalEvent,
  processRow,
  screenText,
  sessionId,
  sessionSummary,
  time,
  verifyReport,
} from '#protocol/shapes.ts';
import { invite } from '#protocol/sharing.ts';
import { reportShape } from './report-shape.ts';

export type JsonOutput = {
  readonly description: string;
  readonly shape: z.ZodType;
  /** One object a line, each of this shape, as it comes. */
  readonly isLines?: true;
};

const service = z.object({ kind: z.enum(['systemd', 'launchd']), file: z.string(), isEnabled: z.boolean(), isCurrent: z.boolean() });
const build = z.object({ pid: integer, version: z.string(), build: z.string().nullable() });
const running = hostStatus.extend({ running: z.literal(true) });

export const JSON_OUTPUTS: Readonly<Record<string, JsonOutput>> = {
  ls: { description: 'The sessions of a host.', shape: z.array(sessionSummary) },
  inspect: { description: 'The execution state of a session.', shape: METHODS['session.inspect'].result },
  screen: { description: 'What is on the screen of a session.', shape: screenText },
  who: { description: 'Who is attached to a session.', shape: z.object({ session: sessionId, control, attached: z.array(attachment) }) },
  log: { description: 'Command records, oldest first. With --follow one a line.', shape: z.array(commandRecord) },
  'log --events': { description: 'Records of the journal, oldest first. With --follow one a line.', shape: z.array(journalEvent) },
  search: {
    description: 'What was found: command lines, and lines of output.',
    shape: z.discriminatedUnion('kind', [
      commandRecord.extend({ kind: z.literal('command') }),
      searchHit.extend({ kind: z.literal('output') }),
    ]),
    isLines: true,
  },
  blame: { description: 'Who made a line of output.', shape: METHODS['history.at'].result },
  verify: { description: 'Whether the journal and the files of the sessions and of the host are whole.', shape: verifyReport },
  export: {
    description: 'manifest.json in an export of the format archive.',
    shape: z.object({
      format: z.literal('cmdop-archive'),
      version: integer,
      session: sessionId,
      name: z.string(),
      output: z.object({ from: integer, to: integer }),
      files: z.array(z.object({ path: z.string(), bytes: integer, sha256: z.string(), what: z.string() })),
    }),
  },
  ports: { description: 'On which ports the programs of a session listen.', shape: z.array(listeningPort) },
  ps: { description: 'The processes of a session.', shape: z.array(processRow) },
  files: { description: 'What lies in a folder of a session’s machine.', shape: z.array(fileEntry) },
  checkpoint: { description: 'The checkpoint that was made.', shape: checkpoint },
  checkpoints: { description: 'Checkpoints of a session and its folder, oldest first.', shape: z.array(checkpoint) },
  diff: { description: 'What differs between two checkpoints, without its text.', shape: METHODS['checkpoint.diff'].result },
  restore: { description: 'What was brought back.', shape: METHODS['checkpoint.restore'].result },
  control: {
    description: 'Of a host, without a session: what new sessions get.',
    shape: z.object({ mode: hostStatus.shape.controlMode, agentsPaused: z.boolean() }),
  },
  approvals: { description: 'What agents wait to be allowed. With --watch one a line.', shape: METHODS['approval.list'].result },
  'approvals --watch': { description: 'Approvals as they change.', shape: approval, isLines: true },
  cp: {
    description: 'Files that were copied.',
    shape: z.object({ from: z.string(), to: z.string(), bytes: integer, sha256: z.string(), resumedFrom: integer }),
    isLines: true,
  },
  forward: {
    description: 'Ports that are open here.',
    shape: z.object({ is: z.literal('open'), session: z.string(), port: integer, address: z.string(), localPort: integer }),
    isLines: true,
  },
  report: { description: 'What was done in sessions: who, commands, approvals, files.', shape: reportShape },
  point: { description: 'What is pointed at now.', shape: METHODS['share.point'].result },
  share: { description: 'The invite, and what to send.', shape: METHODS['share.create'].result },
  'share --link': { description: 'The invite, and the link to send.', shape: METHODS['share.link'].result },
  join: {
    description: 'What was joined.',
    shape: z.object({
      host: z.string(),
      session: z.string(),
      name: z.string(),
      role: z.string(),
      expiresAt: time.nullable(),
    }),
  },
  key: { description: 'The key by which this account joins.', shape: z.object({ key: z.string(), fingerprint: z.string() }) },
  invites: { description: 'Who is invited to what.', shape: z.array(invite) },
  retention: { description: 'What every session takes, and the limits.', shape: METHODS['retention.get'].result },
  prune: {
    description: 'What went, or with --dry-run would go.',
    shape: METHODS['retention.prune'].result.extend({ isDryRun: z.boolean(), pruned: z.array(prunedSession) }),
  },
  'policy show': { description: 'The policy in force.', shape: METHODS['policy.get'].result },
  'host status': {
    description: 'The process behind the sessions.',
    shape: z.discriminatedUnion('running', [
      running.extend({ isOtherBuild: z.boolean(), service: service.nullable() }),
      z.object({ running: z.literal(false), service: service.nullable() }),
    ]),
  },
  'host start': { description: 'The host that runs.', shape: running },
  'host stop': { description: 'Whose pid it was.', shape: z.object({ running: z.literal(false), stopped: integer.nullable() }) },
  'host upgrade': {
    description: 'Which build gave way to which.',
    shape: z.object({ replaced: z.boolean(), from: build, to: build, sessions: integer }),
  },
  'host enable': { description: 'The service, and whether it starts at boot.', shape: service.extend({ lingers: z.boolean() }) },
  'host disable': { description: 'The service that was.', shape: service.extend({ wasEnabled: z.boolean() }) },
  'host share-socket': { description: 'Where invited people reach the host.', shape: METHODS['share.socket.status'].result },
  'hosts install': {
    description: 'What was installed where.',
    shape: z.object({
      host: z.string(),
      platform: z.string(),
      version: z.string(),
      bytes: integer,
      folder: z.string(),
      isThere: z.boolean(),
      current: z.string().nullable(),
      installed: z.literal(true),
    }),
  },
  hosts: {
    description: 'Hosts that have a name here.',
    shape: z.array(
      z.object({ name: z.string(), by: z.enum(['local', 'command', 'ssh', 'share']), how: z.string(), reachedAt: time.nullable() }),
    ),
  },
};
