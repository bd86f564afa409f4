/** Parameters that fit a method, made from its schema: what a hostile client sends that has read it. */
import type { z } from 'zod';

type Def = {
  type: string;
  shape?: Record<string, z.ZodType>;
  innerType?: z.ZodType;
  element?: z.ZodType;
  options?: z.ZodType[];
  entries?: Record<string, string>;
  values?: unknown[];
  checks?: { _zod: { def: { check: string; minimum?: number; length?: number; value?: number } } }[];
};

/** `known`: values of fields by their name, wherever they are. Optional fields are left out unless they are known. */
export function sampleOf(schema: z.ZodType, known: Record<string, unknown>): object {
  return sample(schema, known) as object;
}

function sample(schema: z.ZodType, known: Record<string, unknown>): unknown {
  const def = schema._zod.def as unknown as Def;
  switch (def.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(def.shape ?? {}).flatMap(([name, field]) => {
          if (name in known) return [[name, known[name]]];
          return ['optional', 'default'].includes(field._zod.def.type) ? [] : [[name, sample(field, known)]];
        }),
      );
    case 'string':
      return 'x'.repeat(Math.max(8, ...lengths(def)));
    case 'number':
      return Math.max(1, ...(def.checks ?? []).map((check) => check._zod.def.value ?? 0).filter((value) => value < 10_000));
    case 'boolean':
      return true;
    case 'enum':
      return Object.values(def.entries ?? {})[0];
    case 'literal':
      return def.values?.[0];
    case 'array':
      return def.element ? [sample(def.element, known)] : [];
    case 'union':
      return def.options?.[0] ? sample(def.options[0], known) : null;
    case 'record':
      return {};
    case 'nullable':
      return null;
    default:
      return def.innerType ? sample(def.innerType, known) : null;
  }
}

const lengths = ({ checks = [] }: Def): number[] => checks.flatMap(({ _zod: { def } }) => def.length ?? def.minimum ?? []);
