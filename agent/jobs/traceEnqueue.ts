import { SpanKind, TelemetryAttributes, type Queue } from 'bullmq';
import type { Decision } from '../protocol/decision.ts';

/**
 * Asks for a job within a span, as BullMQ's `add` does. Without telemetry it only asks.
 * @param ask gets what the job has to carry, so that its run belongs to this span
 */
export function traceEnqueue(
  queue: Queue,
  type: string,
  ask: (metadata: string | undefined) => Promise<Decision>,
): Promise<Decision> {
  if (queue.opts.telemetry === undefined) return ask(undefined);
  const { name } = queue;
  const traced = queue.trace(
    SpanKind.PRODUCER,
    'add',
    `${name}.${type}`,
    async (span, metadata) => {
      const decision = await ask(metadata);
      const { jobId, outcome, reason } = decision;
      span?.setAttributes({
        [TelemetryAttributes.JobName]: type,
        ...(jobId === null ? {} : { [TelemetryAttributes.JobId]: jobId }),
        ...{ 'interlock.outcome': outcome, 'interlock.reason': reason },
      });
      return decision;
    },
  );
  return traced.then((decision) => decision);
}
