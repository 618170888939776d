import * as z from 'zod';
import type { Handler } from './handlerContext.ts';

const handlerFunction = z.custom<Handler>((value) => typeof value === 'function');

/** A module that has no usable default export. The message is for people. */
export class NoHandlerError extends Error {
  override readonly name = 'NoHandlerError';
}

/** @throws NoHandlerError when the module exports no function as its default */
export function handlerOf(module: unknown): Handler {
  const exported = defaultOf(module);
  const handler = handlerFunction.safeParse(unwrapped(exported));
  if (handler.success) return handler.data;
  throw new NoHandlerError(
    exported === undefined
      ? 'it has no default export'
      : `its default export is no function but ${kindOf(exported)}`,
  );
}

/** CommonJS that a compiler made of an ES module keeps the default one level deeper. */
function unwrapped(exported: unknown): unknown {
  return typeof exported === 'object' ? (defaultOf(exported) ?? exported) : exported;
}

function defaultOf(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module
    ? module.default
    : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty object' : `an object with ${names.slice(0, 5).join(', ')}`;
}
