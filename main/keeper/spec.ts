/** What a keeper is told once, on its stdin, when a host starts it. */
import type { PtySpec } from './pty.ts';

export type KeeperSpec = PtySpec & {
  session: string;
  socket: string;
  meta: Record<string, unknown>;
  /** Where the output of an earlier keeper of this session ends; 0 when absent. */
  startOffset?: number;
  /** Printed before the program starts. */
  banner?: string;
};
