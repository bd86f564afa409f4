/** `schema`: the JSON that commands print, as JSON Schema. */
import { z } from 'zod';
import { UsageError } from '../exit-codes.ts';
import { print, printJson } from '../output.ts';
import { JSON_OUTPUTS } from './json-outputs.ts';

/** Without a command: the names of all that have one. */
export function schema(words: readonly string[], { all }: { all?: boolean }): void {
  if (all) return printJson(jsonSchemas());
  const name = words.join(' ');
  if (name === '') {
    const width = Math.max(...Object.keys(JSON_OUTPUTS).map((each) => each.length));
    for (const [each, { description }] of Object.entries(JSON_OUTPUTS)) print(`${each.padEnd(width)}  ${description}\n`);
    return;
  }
  if (!Object.hasOwn(JSON_OUTPUTS, name)) throw new UsageError(`"${name}" prints no JSON that is known: \`cmdop schema\` lists what does`);
  printJson(jsonSchema(name));
}

/** By command. */
export function jsonSchemas(): Record<string, object> {
  return Object.fromEntries(Object.keys(JSON_OUTPUTS).map((name) => [name, jsonSchema(name)]));
}

function jsonSchema(name: string): object {
  const { description, shape, isLines } = JSON_OUTPUTS[name] ?? { description: '', shape: z.unknown() };
  const title = `cmdop ${name}${isLines ? ', each line' : ''}`;
  const made = z.toJSONSchema(shape, {
    io: 'output',
    // Fields are added: what a reader does not know it ignores.
    override: ({ jsonSchema: each }) => {
      if (each.additionalProperties === false) delete each.additionalProperties;
    },
  });
  const { $schema, ...rest } = made;
  return { $schema, title, description, ...rest };
}
