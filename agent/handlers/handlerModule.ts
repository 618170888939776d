import * as z from 'zod';
import type { Handler } from './handlerContext.ts';

const handlerFunction = z.custom<Handler>((value) => typeof value === 'function');

/** A module that has no usable default export. The message is for people. */
export class NoHandlerError extends Error {
  override readonly name = 'NoHandlerError';
}

/** A module that was asked for a uniqueness key and has no function for it. */
export class NoKeyFunctionError extends Error {
  override readonly name = 'NoKeyFunctionError';

  constructor() {
    super(
      'the config says "unique": { "by": "function" }, and the module exports no function "unique"',
    );
  }
}

/** What the agent uses of the module of a handler. */
export interface HandlerModule {
  run: Handler;
  /** The function `unique`: the uniqueness key of a payload, or null for none. */
  unique: KeyFunction | undefined;
}

type KeyFunction = (data: unknown) => unknown;

const keyFunction = z.custom<KeyFunction>((value) => typeof value === 'function');

/** @throws NoHandlerError when the module exports no function as its default */
export function handlerModuleOf(module: unknown): HandlerModule {
  const unique = keyFunction.safeParse(
    exportOf(module, 'unique') ?? exportOf(defaultOf(module), 'unique'),
  );
  return { run: handlerOf(module), unique: unique.data };
}

function handlerOf(module: unknown): Handler {
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
  return exportOf(module, 'default');
}

function exportOf(module: unknown, name: string): unknown {
  const holds = (typeof module === 'object' || typeof module === 'function') && module !== null;
  const value: unknown = holds && name in module ? Reflect.get(module, name) : undefined;
  return value;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty object' : `an object with ${names.slice(0, 5).join(', ')}`;
}
