import type { Telemetry } from 'bullmq';

/**
 * Remembers the span that is active now. What a handler asks for comes as a message from its process,
 * which knows nothing of spans: it is done within the span of its run.
 */
export function spanContext(
  telemetry: Telemetry | undefined,
): <T>(act: () => Promise<T>) => Promise<T> {
  if (telemetry === undefined) return (act) => act();
  const { contextManager } = telemetry;
  const active: unknown = contextManager.active();
  return (act) => contextManager.with(active, act);
}
