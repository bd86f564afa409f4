/** What the subjects of a host are given to do their work with. */
import type { LocalPaths } from '#local/paths.ts';
import type { AgentGuard } from './agents/agent-guard.ts';
import type { PolicyDesk } from './agents/input-judge.ts';
import type { PolicyFile } from './agents/policy-file.ts';
import type { Attachments } from './attachments.ts';
import type { HostNews } from './host-news.ts';
import type { HostSettings } from './host-settings.ts';
import type { Journal } from './journal/journal.ts';
import type { JournalWatchers } from './journal/journal-watchers.ts';
import type { Records } from './journal/records.ts';
import type { Registry } from './registry.ts';
import type { GuestDesk } from './sharing/guest-desk.ts';
import type { StateFiles } from './state-files.ts';

export type ServiceContext = {
  paths: LocalPaths;
  stateFiles: StateFiles;
  clock: { now(): number; wallNow(): number };
  journal: Journal;
  records: Records;
  settings: HostSettings;
  registry: Registry;
  news: HostNews;
  attachments: Attachments;
  watchers: JournalWatchers;
  desk: PolicyDesk;
  guard: AgentGuard;
  policy: PolicyFile;
  guests: GuestDesk;
};
