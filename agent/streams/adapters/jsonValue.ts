import type * as z from 'zod';

/** What `JSON.parse` makes of a text. */
export type JsonValue = z.core.util.JSONType;
export interface JsonObject {
  [field: string]: JsonValue;
}

const SHOWN_CHARACTERS = 80;

/** @throws Error that shows the begin of what is no JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`Not JSON: ${shorten(text)}`);
  }
}

/** Of a value that came out of `JSON.parse`: all that is in it is JSON, too. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The begin of a frame, for people. */
export function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
