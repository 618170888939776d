import { messageOf } from '../../../agent/common/errors.ts';
import {
  sideEnvelope,
  type SideFigures,
  type SideOutcome,
  type SideRequest,
} from './sideProtocol.ts';

const NOTHING: SideFigures = { ms: 0, cpuMs: 0, peakRssBytes: 0, lost: 0 };

/** Answers the requests of the benchmark, one after the other, with how long each took. */
export function serveSide(perform: (request: SideRequest) => Promise<SideOutcome>): void {
  process.on('message', (received: unknown) => {
    const { id, request } = sideEnvelope.parse(received);
    // Rubbish of an earlier round is not a matter of this one.
    globalThis.gc?.();
    const cpuBefore = process.cpuUsage();
    perform(request).then(
      (outcome) => {
        const figures = figuresOf(outcome, process.cpuUsage(cpuBefore));
        process.send?.({ id, figures, error: null });
      },
      (error: unknown) => process.send?.({ id, figures: NOTHING, error: messageOf(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

function figuresOf(outcome: SideOutcome, cpu: NodeJS.CpuUsage): SideFigures {
  return {
    ...(typeof outcome === 'number' ? { ms: outcome, lost: 0 } : outcome),
    cpuMs: (cpu.user + cpu.system) / 1_000,
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
  };
}

/** Runs `call` for 0 to `count` - 1, so many at one time. @returns ms */
export async function timeCalls(
  count: number,
  inFlight: number,
  call: (n: number) => Promise<unknown>,
  afterwards: () => Promise<unknown> = () => Promise.resolve(),
): Promise<number> {
  let next = 0;
  const lane = async () => {
    while (next < count) await call(next++);
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  await afterwards();
  return performance.now() - startedAt;
}
