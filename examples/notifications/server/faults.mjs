import { setTimeout as delay } from 'node:timers/promises';
import { HttpError } from './localServer.mjs';
import { seededRandom } from './seededRandom.mjs';

/** Of the requests to the chain. */
const FAILING_SHARE = 0.08;
const SLOW_SHARE = 0.12;
const SLOWEST_MS = 2_500;

/**
 * Trouble, as services have it: the chain is slow or fails now and then, by the seed. What was
 * ordered with POST /faults comes first, on any path: so one can see what a job does about it.
 * @param {number} seed
 * @param {boolean} calm only what is ordered
 */
export function createFaults(seed, calm) {
  const random = seededRandom(seed);
  /** @type {{ path: string, times: number }[]} */
  let ordered = [];
  return {
    /** @param {any} body `{ "path": "/pushes", "times": 2 }`: that many answers below it are 500 */
    order(body) {
      const { path, times } = body ?? {};
      if (typeof path !== 'string' || !Number.isInteger(times) || times < 0) {
        throw new HttpError(400, 'Expected { "path": "/pushes", "times": 2 }.');
      }
      ordered = [...ordered.filter((one) => one.path !== path), { path, times }];
      return { ordered };
    },
    /**
     * Waits, or throws, or neither.
     * @param {string} path
     */
    async strike(path) {
      const due = ordered.find((one) => one.times > 0 && path.startsWith(one.path));
      if (due !== undefined) {
        due.times -= 1;
        throw new HttpError(500, 'A fault that was ordered.');
      }
      if (calm || !path.startsWith('/chain/')) return;
      const drawn = random();
      if (drawn < FAILING_SHARE) throw new HttpError(500, 'The node has lost its peers.');
      if (drawn < FAILING_SHARE + SLOW_SHARE) await delay(random() * SLOWEST_MS);
    },
  };
}
