import type { Readable } from 'node:stream';

/** A longer line is cut: nobody reads it, and the log must stay readable. */
const MAX_LINE_LENGTH = 4_000;

/** Calls `onLine` with each line of a stream, the last one included when it has no line end. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  const emit = (line: string) => {
    const text = line.trimEnd().slice(0, MAX_LINE_LENGTH);
    if (text !== '') onLine(text);
  };
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH);
    for (const line of lines) emit(line);
  });
  stream.on('end', () => emit(rest));
  stream.on('error', () => undefined);
}
