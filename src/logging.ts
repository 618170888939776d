/** What services log to; the output channel is one. Its level is the editor's affair. */
export interface Logger {
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Each line says which part it comes from. */
export function scoped(logger: Logger, scope: string): Logger {
  const line = (message: string) => `[${scope}] ${message}`;
  return {
    trace: (message) => logger.trace(line(message)),
    debug: (message) => logger.debug(line(message)),
    info: (message) => logger.info(line(message)),
    warn: (message) => logger.warn(line(message)),
    error: (message) => logger.error(line(message)),
  };
}
