/** `report`: who worked, what was run, allowed and changed, as a page to read or to keep. */
import { rename, writeFile } from 'node:fs/promises';
import { gatherReport } from '#client/report/gather.ts';
import { makeReport, type Report } from '#client/report/report.ts';
import { htmlReport, markdownReport } from '#client/report/report-text.ts';
import { systemClock } from '#local/clock.ts';
import { type Globals, sessionRef, withClient } from './connect.ts';
import { UsageError } from './exit-codes.ts';
import { note, print } from './output.ts';
import { sinceOf } from './since.ts';

export type ReportOptions = Globals & { all?: boolean; since?: string; format?: string; output?: string; json?: boolean };

const FORMATS: Readonly<Record<string, (report: Report) => string>> = {
  markdown: markdownReport,
  html: htmlReport,
  json: (report) => `${JSON.stringify(report, null, 2)}\n`,
};

export async function report(options: ReportOptions, reference: string | undefined): Promise<void> {
  const name = options.json ? 'json' : (options.format ?? formatOf(options.output));
  const format = FORMATS[name];
  if (!format) throw new UsageError(`"${name}" is no format: choose ${Object.keys(FORMATS).join(', ')}`);
  if ((reference === undefined) !== (options.all === true)) throw new UsageError('name a session, or --all for every one of the host');
  const since = options.since === undefined ? null : sinceOf(options.since);
  const text = await withClient(options, async (client) => {
    const session = reference === undefined ? null : (await client.request('session.inspect', { session: sessionRef(reference) })).session;
    return format(makeReport(await gatherReport(client, { session, since, now: systemClock.wallNow() })));
  });
  if (options.output === undefined || options.output === '-') return print(text);
  await writeFile(`${options.output}.part`, text, { mode: 0o600 });
  await rename(`${options.output}.part`, options.output);
  note(`the report is in ${options.output}`);
}

const formatOf = (file: string | undefined) => (file?.endsWith('.html') ? 'html' : file?.endsWith('.json') ? 'json' : 'markdown');
