import type { Span, Telemetry } from 'bullmq';

/** BullMQ has a span for each look for a job: one in a second for each queue where nothing happens. */
const LOOKING = /^getNextJob(\s|$)/;

const NO_SPAN: Span = {
  setSpanOnContext: (context: unknown) => context,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};

/** Telemetry for a worker: its runs, without its looking for them. */
export function workerTelemetry(telemetry: Telemetry): Telemetry {
  const { tracer, contextManager, meter } = telemetry;
  return {
    ...{ contextManager, ...(meter === undefined ? {} : { meter }) },
    tracer: {
      startSpan: (name, options, context: unknown) =>
        LOOKING.test(name) ? NO_SPAN : tracer.startSpan(name, options, context),
    },
  };
}
