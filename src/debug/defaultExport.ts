/** A handler's default export, in ES modules and in CommonJS. */
const DEFAULT_EXPORT = /^\s*(?:export\s+default\b|module\.exports\s*=|exports\.default\s*=)/;

/** The line, from 0, on which a handler file exports its handler; 0 when it is not seen. */
export function defaultExportLine(text: string): number {
  return Math.max(
    0,
    text.split('\n').findIndex((line) => DEFAULT_EXPORT.test(line)),
  );
}

/** The line, from 0, on which `interlock.config.json` declares a job type; undefined: it does not. */
export function declarationLine(text: string, type: string): number | undefined {
  const lines = text.split('\n');
  const jobs = lines.findIndex((line) => /^\s*"jobs"\s*:/.test(line));
  if (jobs < 0) return undefined;
  const declared = lines.findIndex(
    (line, index) => index > jobs && line.trimStart().startsWith(`${JSON.stringify(type)}:`),
  );
  return declared < 0 ? undefined : declared;
}
