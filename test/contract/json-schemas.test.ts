/**
 * What scripts read stays readable: the schemas of `--json` may only grow. The golden file is what the first readers were
 * written for; `CMDOP_GOLDEN=write` puts the schemas of now in its place (format it with
 * `npm exec biome check -- --write test/contract`), so that what was added since holds as well.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonSchemas } from '../../main/cli/schemas/schema.ts';

const GOLDEN = join(import.meta.dirname, 'json-schemas.json');
type Schema = { [keyword: string]: unknown };

if (process.env.CMDOP_GOLDEN === 'write' || !existsSync(GOLDEN)) writeFileSync(GOLDEN, `${JSON.stringify(jsonSchemas(), null, 1)}\n`);

test('whoever reads what an earlier version printed can read what this one prints', () => {
  const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as Record<string, Schema>;
  const now = jsonSchemas() as Record<string, Schema>;
  const broken = Object.entries(golden).flatMap(([command, then]) => {
    const current = now[command];
    return current ? differences(then, current).map((each) => `${command}${each}`) : [`${command} is gone`];
  });
  expect(broken).toEqual([]);
});

const object = (properties: Schema, required: string[] = Object.keys(properties)) => ({ type: 'object', properties, required });
const text = { type: 'string' };

test.each([
  ['a new field', object({ a: text }), object({ a: text, b: text }), []],
  ['a new word', { type: 'string', enum: ['x'] }, { type: 'string', enum: ['x', 'y'] }, []],
  ['less than could be', { anyOf: [text, { type: 'null' }] }, text, []],
  ['a field that is gone', object({ a: text }), object({}), ['.a is gone']],
  ['a field that may be missing', object({ a: text }), object({ a: text }, []), ['.a may be missing']],
  ['another type', object({ a: text }), object({ a: { type: 'number' } }), ['.a is number, not string']],
  ['null where none was', object({ a: text }), object({ a: { anyOf: [text, { type: 'null' }] } }), ['.a may be null, which it was not']],
  ['a word that is gone', { type: 'string', enum: ['x', 'y'] }, { type: 'string', enum: ['x'] }, [' is never "y" any more']],
  ['rows of another kind', { type: 'array', items: text }, { type: 'array', items: { type: 'null' } }, ['[] is null, not string']],
])('%s is told from what breaks a reader', (_name, then, now, expected) => {
  expect(differences(then, now)).toEqual(expected);
});

/** What a reader of `then` would stumble over in `now`. */
function differences(then: Schema, now: Schema, at = ''): string[] {
  const [before, after] = [alternatives(then), alternatives(now)];
  if (before.length > 1 || after.length > 1) {
    return after.flatMap((each) => {
      const alike = before.filter((other) => kindOf(other) === kindOf(each));
      if (alike.length === 0) return [`${at} may be ${kindOf(each)}, which it was not`];
      const found = alike.map((other) => differences(other, each, at));
      return found.find((some) => some.length === 0) ?? found[0] ?? [];
    });
  }
  if (Object.keys(then).length === 0) return []; // anything
  if (kindOf(then) !== kindOf(now)) return [`${at} is ${kindOf(now)}, not ${kindOf(then)}`];
  const words = (schema: Schema) => (Array.isArray(schema.enum) ? schema.enum : []);
  const lost = words(then).filter((word) => words(now).length > 0 && !words(now).includes(word));
  const found = lost.map((word) => `${at} is never ${JSON.stringify(word)} any more`);
  if (isSchema(then.items) && isSchema(now.items)) found.push(...differences(then.items, now.items, `${at}[]`));
  const [fields, newFields] = [fieldsOf(then), fieldsOf(now)];
  const required = (schema: Schema) => (Array.isArray(schema.required) ? schema.required : []);
  for (const [name, field] of Object.entries(fields)) {
    const other = newFields[name];
    if (!other) found.push(`${at}.${name} is gone`);
    else if (required(then).includes(name) && !required(now).includes(name)) found.push(`${at}.${name} may be missing`);
    else found.push(...differences(field, other, `${at}.${name}`));
  }
  return found;
}

function alternatives(schema: Schema): Schema[] {
  const several: unknown = schema.anyOf ?? schema.oneOf;
  return Array.isArray(several) ? several.filter(isSchema).flatMap(alternatives) : [schema];
}

/** Its type; of objects that are told apart by a word, with that. */
function kindOf(schema: Schema): string {
  const words = Object.entries(fieldsOf(schema)).flatMap(([name, field]) =>
    'const' in field ? [`${name} ${JSON.stringify(field.const)}`] : [],
  );
  return [schema.type ?? JSON.stringify(schema.const ?? 'anything'), ...words].join(' ');
}

const fieldsOf = (schema: Schema): Record<string, Schema> =>
  isSchema(schema.properties)
    ? Object.fromEntries(Object.entries(schema.properties).filter((entry): entry is [string, Schema] => isSchema(entry[1])))
    : {};
const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);
