/** The app's scheme serves the files of the page's folder and nothing else on the disk. */
import { expect, test } from 'vitest';
import { fileOf } from '../../main/app/page-files.ts';

const FOLDER = '/opt/cmdop/renderer';

test('the page and its parts are served with their types', () => {
  expect(fileOf('app://cmdop/', FOLDER)).toEqual({ path: `${FOLDER}/index.html`, type: 'text/html; charset=utf-8' });
  expect(fileOf('app://cmdop/assets/main.js?v=1#x', FOLDER)).toEqual({
    path: `${FOLDER}/assets/main.js`,
    type: 'text/javascript; charset=utf-8',
  });
});

test.each([
  'app://cmdop/../../etc/passwd.json',
  'app://cmdop/..%2f..%2fpackage.json',
  'app://cmdop/%2e%2e/%2e%2e/package.json',
  'app://cmdop/..%5c..%5cpackage.json%00',
  'app://cmdop/../renderer-secrets/key.json',
])('%s stays inside the folder or is nothing', (url) => {
  const file = fileOf(url, FOLDER);
  expect(file === null || file.path.startsWith(`${FOLDER}/`)).toBe(true);
});

test.each([
  ['another host', 'app://evil/index.html'],
  ['a type no page has', 'app://cmdop/notes.txt'],
  ['a folder', 'app://cmdop/assets'],
  ['a broken escape', 'app://cmdop/%zz.js'],
  ['a path cut short by a zero byte', 'app://cmdop/main.js%00.html'],
])('%s is not served', (_case, url) => {
  expect(fileOf(url, FOLDER)).toBeNull();
});
