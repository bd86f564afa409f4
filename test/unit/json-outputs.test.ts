/** Every command that prints JSON has a schema, and no schema is of a command that is not there. */
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { makeProgram } from '../../main/cli/program.ts';
import { JSON_OUTPUTS } from '../../main/cli/schemas/json-outputs.ts';
import { jsonSchemas } from '../../main/cli/schemas/schema.ts';

/** With their options that change what is printed: `log --events`. */
const printing = (command: Command, name = ''): string[] => [
  ...(command.options.some(({ long }) => long === '--json') ? [name] : []),
  ...command.commands.flatMap((each) => printing(each, `${name} ${each.name()}`.trim())),
];
const named = Object.keys(JSON_OUTPUTS);

test('every command with --json has a row in main/cli/schemas/json-outputs.ts', () => {
  expect(printing(makeProgram(null)).filter((name) => !named.includes(name))).toEqual([]);
});

test('every row is of a command that is there', () => {
  const all = [...printing(makeProgram(null)), 'export'];
  expect(named.map((name) => name.replace(/ --.*$/, '')).filter((name) => !all.includes(name))).toEqual([]);
});

test('no schema forbids fields that later versions add', () => {
  expect(JSON.stringify(jsonSchemas())).not.toContain('"additionalProperties":false');
});
