/** What the app may tell the page, checked as it arrives. */
import { z } from 'zod';
import type { AppEvent, MenuCommand } from '../../preload/api.ts';

const MENU_COMMANDS = [
  'new-session',
  'add-host',
  'join',
  'close-tab',
  'next-tab',
  'previous-tab',
  'find',
  'palette',
  'toggle-sidebar',
  'toggle-actors',
  'toggle-history',
  'toggle-approvals',
  'toggle-files',
  'toggle-ports',
  'toggle-processes',
  'pause-agents',
  'policy',
  'zoom-in',
  'zoom-out',
  'zoom-reset',
] as const satisfies readonly MenuCommand[];

const id = z.number().int();
/** Words of a server or a file: shown as text, bounded here. */
const words = z.string().transform((text) => text.slice(0, 4_000));

const question = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('host-key'),
    id,
    host: words,
    address: words,
    type: words,
    fingerprint: words,
    remark: words.nullable(),
  }),
  z.object({
    is: z.literal('secret'),
    id,
    host: words,
    kind: z.enum(['passphrase', 'password', 'interactive']),
    prompt: words,
    isEchoed: z.boolean(),
    instruction: words.nullable(),
  }),
]);

const count = z.number().int().min(0);
const forwardView = z.object({
  id,
  host: words,
  session: words,
  port: count,
  localPort: count,
  address: words,
  received: count,
  sent: count,
  connections: count,
});

const folderView = z.object({
  id,
  host: words,
  session: words,
  name: words,
  state: z.enum(['looking', 'running', 'asks', 'done', 'failed', 'cancelled']),
  files: count,
  bytes: count,
  doneFiles: count,
  doneBytes: count,
  conflicts: count,
  remarks: z.array(words).max(200),
  remarkCount: count,
  message: words.nullable(),
  path: words.nullable(),
});

export const appEvent: z.ZodType<AppEvent, unknown> = z.discriminatedUnion('is', [
  z.object({ is: z.literal('menu'), command: z.enum(MENU_COMMANDS) }),
  z.object({ is: z.literal('question'), question }),
  z.object({ is: z.literal('withdrawn'), id }),
  z.object({ is: z.literal('notice'), host: words, text: words }),
  z.object({ is: z.literal('forwards'), forwards: z.array(forwardView) }),
  z.object({ is: z.literal('folder'), folder: folderView }),
  z.object({ is: z.literal('installing'), host: words, step: words, share: z.number().min(0).max(1).nullable() }),
  z.object({ is: z.literal('open'), address: words }),
  z.object({ is: z.literal('invite'), code: z.string().max(8_192) }),
  z.object({ is: z.literal('noticed'), about: words }),
  z.object({ is: z.literal('awake') }),
]);
