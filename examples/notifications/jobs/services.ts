import type * as z from 'zod';
import { SERVICES_URL } from '../server/addresses.mjs';
import type { HandlerContext } from './interlock.ts';

const TIMEOUT_MS = 5_000;

/** The service is away, slow, or has trouble of its own: to be tried again. */
export class ServiceUnavailable extends Error {
  override readonly name = 'ServiceUnavailable';
}

/** The service has understood, and says no: it will say so again. */
export class ServiceRefused extends Error {
  override readonly name = 'ServiceRefused';
  constructor(
    message: string,
    /** Such as 404 or 410. */
    readonly httpStatus: number,
  ) {
    super(message);
  }
}

/**
 * GET from the services of this example.
 * @throws ServiceUnavailable, ServiceRefused; what the signal aborts with when the run has to end;
 *   ZodError when the answer is not as agreed
 */
export function fetchFrom<S extends z.ZodType>(
  path: string,
  answer: S,
  { signal }: HandlerContext,
): Promise<z.infer<S>> {
  return request(path, { method: 'GET' }, answer, signal);
}

/**
 * POST to them.
 * @param key the service does once what comes with the same key: so a second try does no harm
 * @throws as `fetchFrom`
 */
export function postTo<S extends z.ZodType>(
  path: string,
  { key, body }: { key: string; body: unknown },
  answer: S,
  { signal }: HandlerContext,
): Promise<z.infer<S>> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  return request(path, { method: 'POST', headers, body: JSON.stringify(body) }, answer, signal);
}

async function request<S extends z.ZodType>(
  path: string,
  options: RequestInit,
  answer: S,
  signal: AbortSignal,
): Promise<z.infer<S>> {
  const what = `${options.method} ${path}`;
  let status: number;
  let text: string;
  try {
    const either = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(new URL(path, SERVICES_URL), { ...options, signal: either });
    status = response.status;
    text = await response.text();
  } catch (error) {
    // The lease is lost, or the agent stops: that is no fault of the service.
    signal.throwIfAborted();
    throw new ServiceUnavailable(`${what} got no answer: ${reasonOf(error)}`, { cause: error });
  }
  if (status >= 500) throw new ServiceUnavailable(`${what} was answered with ${status}`);
  if (status >= 400) throw new ServiceRefused(`${what} was answered with ${status}`, status);
  return answer.parse(JSON.parse(text));
}

/** fetch says "fetch failed", and why in the cause. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return reason instanceof Error ? reason.message : String(reason);
}
