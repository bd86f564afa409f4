/** The rows of a long history of which only some pages are here, and what stands between them. */
import { expect, test } from 'vitest';
import type { CommandRecord } from '#protocol/shapes.ts';
import { HistoryRows, MixedRows, PAGE_ROWS } from '../../renderer/state/history-rows.ts';

const record = (id: number, text = `command ${id}`) => ({ id, text }) as CommandRecord;
const records = (from: number, count: number) => Array.from({ length: count }, (_, at) => record(from + at));

function rows(total: number): HistoryRows {
  const made = new HistoryRows();
  made.count(total);
  return made;
}

test('a page is missing until it is here whole, and rows that are not here are null', () => {
  const history = rows(450);
  expect(history.missing(0, 449)).toEqual([0, 1, 2]);
  history.setPage(1, records(1 + PAGE_ROWS, PAGE_ROWS));
  expect(history.missing(190, 420)).toEqual([0, 2]);
  expect([history.at(199), history.at(200)?.id, history.at(399)?.id, history.at(400)]).toEqual([null, 201, 400, null]);
});

test('a new record is the last row; one that changed keeps its row; one of elsewhere moves nothing', () => {
  const history = rows(250);
  history.setPage(1, records(1_000, 50));
  expect(history.changed(record(2_000), true)).toBe('shown');
  expect([history.total, history.at(250)?.id]).toEqual([251, 2_000]);
  expect(history.changed(record(1_010, 'ended'), true)).toBe('shown');
  expect([history.total, history.at(210)?.text]).toEqual([251, 'ended']);
  expect(history.changed(record(7), true)).toBe('unknown');
  expect(history.changed(record(3_000), false)).toBe('elsewhere');
  expect(history.changed(record(1_010), false)).toBe('unknown'); // no longer one of these
  expect(history.total).toBe(251);
});

test('new records fill a page and begin the next one, also where the last page is not here', () => {
  const history = rows(PAGE_ROWS - 1);
  history.setPage(0, records(1, PAGE_ROWS - 1));
  history.changed(record(500), true);
  history.changed(record(501), true);
  expect([history.total, history.at(PAGE_ROWS - 1)?.id, history.at(PAGE_ROWS)?.id]).toEqual([PAGE_ROWS + 1, 500, 501]);
  const far = rows(1_050);
  far.changed(record(9_000), true);
  expect([far.total, far.at(1_050), far.missing(1_040, 1_060)]).toEqual([1_051, null, [5]]);
});

test('counted anew, what is here is shown until it was asked for again', () => {
  const history = rows(10);
  history.setPage(0, records(1, 10));
  history.count(8);
  expect([history.at(3)?.id, history.missing(0, 7)]).toEqual([4, [0]]);
  history.setPage(0, records(3, 8));
  expect([history.at(3)?.id, history.missing(0, 7)]).toEqual([6, []]);
});

test('what stands in front of a record has a row of its own, however many there are', () => {
  const mixed = new MixedRows(4, [0, 2, 2, 4]);
  const all = Array.from({ length: mixed.count }, (_, index) => mixed.at(index));
  expect(all.map((row) => ('record' in row ? row.record : `other ${row.other}`))).toEqual([
    ...['other 0', 0, 1, 'other 1', 'other 2', 2, 3],
    'other 3',
  ]);
  expect([0, 1, 2, 3].map((place) => mixed.at(mixed.rowOf(place)))).toEqual([0, 1, 2, 3].map((at) => ({ record: at })));
});
