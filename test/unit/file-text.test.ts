/** How the window tells what is in a file, and writes paths as words of a shell; and how the command line reads its places. */
import { describe, expect, test } from 'vitest';
import { joinPath } from '#local/copying/folder-jobs.ts';
import { nameIn, parsePlace } from '../../main/cli/files/copy-place.ts';
import { crumbsOf, seenIn, shellWord } from '../../renderer/text/file-text.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('what is in a file', () => {
  test('is text where it is UTF-8, with what hides in it written out', () => {
    expect(seenIn(bytes('a\tb\nx\u202ey\x1b[31m'), true)).toEqual({ is: 'text', text: 'a\tb\nx‹U+202E›y‹^[›[31m' });
  });

  test('is text as well where only its last character was cut', () => {
    expect(seenIn(bytes('aé').subarray(0, 2), false)).toEqual({ is: 'text', text: 'a' });
    expect(seenIn(bytes('aé').subarray(0, 2), true).is).toBe('bytes');
  });

  test('is a picture by how it begins, whatever it is called, and only as a whole', () => {
    const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d]);
    expect(seenIn(png, true)).toEqual({ is: 'picture', type: 'image/png' });
    expect(seenIn(png, false).is).toBe('bytes');
    expect(seenIn(bytes('RIFF1234WEBP'), true)).toEqual({ is: 'picture', type: 'image/webp' });
    // Could run scripts, or ask other machines: shown as its text.
    expect(seenIn(bytes('<svg onload="x()"/>'), true).is).toBe('text');
  });

  test('is bytes elsewhere', () => {
    expect(seenIn(bytes('\0AB'), true)).toEqual({ is: 'bytes', text: `000000  00 41 42${' '.repeat(39)}  ·AB` });
  });
});

test.each([
  ['/a/b.txt', '/a/b.txt'],
  ['/a/my file', "'/a/my file'"],
  ["/a/it's", "'/a/it'\\''s'"],
  ['/a/$(reboot)', "'/a/$(reboot)'"],
  ['/a/\x1b]0;x', null],
  ['/a/two\nlines', null],
  ['/a/latin\udce9', null],
])('the path %j is typed as %j', (path, word) => {
  expect(shellWord(path)).toBe(word);
});

test('the folders on the way are shown with what hides in their names', () => {
  expect(crumbsOf('/a/b\nc')).toEqual([
    { name: '/', path: '/' },
    { name: 'a', path: '/a' },
    { name: 'b‹^J›c', path: '/a/b\nc' },
  ]);
});

describe('a place of cp', () => {
  test.each([
    ['file', { is: 'here', path: 'file' }],
    ['./a:b', { is: 'here', path: './a:b' }],
    ['-', { is: 'pipe' }],
    ['api:', { is: 'there', host: undefined, session: 'api', path: '.' }],
    ['api:src/x', { is: 'there', host: undefined, session: 'api', path: 'src/x' }],
    ['api:/etc/hosts', { is: 'there', host: undefined, session: 'api', path: '/etc/hosts' }],
    ['cmdop://devbox/api:a:b', { is: 'there', host: 'devbox', session: 'api', path: 'a:b' }],
    ['cmdop://me@devbox:22/api', { is: 'there', host: 'me@devbox:22', session: 'api', path: '.' }],
  ])('%s', (text, place) => {
    expect(parsePlace(text)).toEqual(place);
  });

  test('has no empty path', () => {
    expect(() => parsePlace('')).toThrow('a path is empty');
    expect(() => parsePlace('cmdop://x')).toThrow('is no address');
  });

  test.each([
    ['a/b', 'b'],
    ['a/b/', 'b'],
    ['.', ''],
    ['..', ''],
    ['/', ''],
    ['~', ''],
  ])('%s is called %j', (path, name) => {
    expect(nameIn(path)).toBe(name);
  });

  test('below the folder one is in needs no ./', () => {
    expect([joinPath('.', 'a'), joinPath('b', 'a'), joinPath('b/', 'a')]).toEqual(['a', 'b/a', 'b/a']);
  });
});
