// Preloaded into an agent (NODE_OPTIONS=--import): its wall clock is off by what a file says, which
// the fault runner rewrites while the agent runs. Monotonic time and timers stay as they are.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const file = process.env.INTERLOCK_FAULT_CLOCK;
const LOOK_EVERY_MS = 20;

const TrueDate = Date;
const trueNow = Date.now;
let offsetMs = 0;
let lookAgainAt = 0;

function now() {
  if (file !== undefined && performance.now() >= lookAgainAt) {
    lookAgainAt = performance.now() + LOOK_EVERY_MS;
    try {
      const read = Number(readFileSync(file, 'utf8'));
      if (Number.isFinite(read)) offsetMs = read;
    } catch {
      // Not written yet, or just being written: the clock stays where it is.
    }
  }
  return trueNow() + offsetMs;
}

TrueDate.now = now;
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(
      target,
      args.length === 0 ? [now()] : args,
      newTarget === globalThis.Date ? target : newTarget,
    ),
  apply: () => new TrueDate(now()).toString(),
});
