import { destination, pino, type Logger } from 'pino';

export type { Logger } from 'pino';

/** Keys whose values never reach a log. */
const SECRET_PATHS = ['token', '*.token', 'password', '*.password', 'url', '*.url'];

/** JSON lines to a file descriptor or file. No transports: they need worker files that a bundle has not. */
export function createLogger(target: number | string, level = 'info'): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      redact: SECRET_PATHS,
    },
    destination({ dest: target, sync: true, mkdir: true }),
  );
}
