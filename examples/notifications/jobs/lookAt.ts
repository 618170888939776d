import type { HandlerContext, HandlerJob } from './interlock.ts';
import { ServiceRefused, ServiceUnavailable } from './services.ts';

/** As "retry" of the monitors in the config says: the first one and two more. */
const TRIES = 3;

/**
 * What all monitors do about a service that has trouble: they are tried again and, when that is of no
 * use, say so and end. The next slot looks again, so nobody has to requeue them.
 * @throws while there are tries left, and whatever is not the fault of the service
 */
export async function lookAt<T>(
  job: HandlerJob,
  context: HandlerContext,
  look: () => Promise<T>,
): Promise<T | { status: 'unavailable' | 'refused'; why: string }> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof ServiceRefused) return { status: 'refused', why: error.message };
    if (!(error instanceof ServiceUnavailable) || job.attempt < TRIES) throw error;
    await context.log(`Gives up until the next slot: ${error.message}`);
    return { status: 'unavailable', why: error.message };
  }
}
