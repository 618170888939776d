import type { CliIo, Sink } from '../../../../agent/cli/cliIo.ts';
import { systemClock } from '../../../../agent/common/clock.ts';

/** A command's surroundings that keep what it writes. */
export class FakeIo implements CliIo {
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly stdout: Sink = {
    ...TERMINAL,
    isTerminal: false,
    write: (text) => void this.out.push(text),
  };
  readonly stderr: Sink = {
    ...TERMINAL,
    isTerminal: false,
    write: (text) => void this.err.push(text),
  };
  readonly cwd = '/nowhere';
  readonly clock = systemClock;
  readonly random = () => 0.5;
  readonly startedAtMs = 0;
  readonly programFolder = '/nowhere/dist';
  readonly canAsk = false;
  exitedWith: number | undefined;

  constructor(readonly env: NodeJS.ProcessEnv = {}) {}

  ask(): Promise<string> {
    return Promise.reject(new Error('nobody is there to be asked'));
  }

  onInterrupt() {
    return { dispose: () => undefined };
  }

  exitNow(code: number): void {
    this.exitedWith = code;
  }
}

const TERMINAL = { columns: 100, rows: 40 };
