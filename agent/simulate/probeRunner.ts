import type { JsonValue } from '../common/json.ts';
import type { HandlerRunner } from '../handlers/runner.ts';
import type { RunProbe } from './runProbe.ts';

/** Stands in for the handler of a race: counts the run, and holds it until it may end. */
export class ProbeRunner implements HandlerRunner {
  /** @param mayEnd settles when every attempt is answered */
  constructor(
    private readonly probe: RunProbe,
    private readonly mayEnd: Promise<unknown>,
    private readonly key: JsonValue,
  ) {}

  async run(): Promise<JsonValue> {
    await this.probe.start();
    await this.mayEnd;
    await this.probe.end();
    return null;
  }

  /** One key for every attempt, whatever the handler's own `unique` would say. */
  keyOf(): Promise<JsonValue> {
    return Promise.resolve(this.key);
  }

  warmUp(): void {
    // It runs in this process.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  processIds(): number[] {
    return [];
  }
}
