/** What `report --json` prints. */
import { z } from 'zod';
import type { Report } from '#client/report/report.ts';
import { integer, time } from '#protocol/shapes.ts';

const command = z.object({
  at: time,
  session: z.string(),
  who: z.string(),
  text: z.string(),
  folder: z.string(),
  exitCode: z.number().int().nullable(),
});
const asked = z.object({
  at: time,
  session: z.string(),
  actor: z.string(),
  text: z.string(),
  state: z.enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn']),
  by: z.string().nullable(),
  edited: z.string().nullable(),
});
const worker = z.object({
  name: z.string(),
  kind: z.enum(['human', 'agent']),
  came: z.array(z.string()),
  commands: integer,
  failed: integer,
  firstAt: time,
  lastAt: time,
});
const files = z.object({
  folder: z.string(),
  from: integer,
  to: integer.nullable(),
  who: z.array(z.string()),
  count: integer,
  paths: z.array(z.string()),
});

export const reportShape = z.object({
  title: z.string(),
  from: time,
  to: time,
  sessions: z.array(z.string()),
  who: z.array(worker),
  commands: z.object({ total: integer, failed: integer, list: z.array(command) }),
  approvals: z.object({ asked: integer, approved: integer, rejected: integer, list: z.array(asked) }),
  files: z.array(files),
  notable: z.array(z.object({ at: time, session: z.string(), what: z.string() })),
}) satisfies z.ZodType<Report>;
