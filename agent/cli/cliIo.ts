import { createInterface } from 'node:readline/promises';
import { systemClock, type Clock } from '../common/clock.ts';
import { systemRandom, type Random } from '../common/random.ts';

/** One output of the command: a terminal, a pipe or a file. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** Everything a command touches outside itself. */
export interface CliIo {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Wall-clock time at which this command began, milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Where `agent.js` and `racer.js` lie. */
  readonly programFolder: string;
  /** Whether a person can be asked. */
  readonly canAsk: boolean;
  ask(question: string): Promise<string>;
  /** Calls `listener` for Ctrl+C and for requests to end, instead of ending at once. */
  onInterrupt(listener: () => void): { dispose(): void };
  exitNow(code: number): void;
}

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const DEFAULT_COLUMNS = 100;
const DEFAULT_ROWS = 40;

/** The real process. */
export function processIo(): CliIo {
  return {
    stdout: sinkOf(process.stdout),
    stderr: sinkOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    random: systemRandom,
    startedAtMs: performance.timeOrigin,
    programFolder: __dirname,
    canAsk: process.stdin.isTTY && process.stderr.isTTY,
    async ask(question) {
      const reader = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await reader.question(question);
      } finally {
        reader.close();
      }
    },
    onInterrupt(listener) {
      for (const signal of INTERRUPTS) process.on(signal, listener);
      return {
        dispose: () => {
          for (const signal of INTERRUPTS) process.off(signal, listener);
        },
      };
    },
    exitNow: (code) => process.exit(code),
  };
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  // A reader such as `head` that has seen enough is no error.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    get columns() {
      return stream.columns > 0 ? stream.columns : DEFAULT_COLUMNS;
    },
    get rows() {
      return stream.rows > 0 ? stream.rows : DEFAULT_ROWS;
    },
  };
}
