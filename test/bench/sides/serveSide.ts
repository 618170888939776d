import { messageOf } from '../../../agent/common/errors.ts';
import { sideEnvelope, type SideRequest } from './sideProtocol.ts';

/** Answers the requests of the benchmark, one after the other, with how long each took. */
export function serveSide(perform: (request: SideRequest) => Promise<number>): void {
  process.on('message', (received: unknown) => {
    const { id, request } = sideEnvelope.parse(received);
    // Rubbish of an earlier round is not a matter of this one.
    globalThis.gc?.();
    perform(request).then(
      (ms) => process.send?.({ id, ms, error: null }),
      (error: unknown) => process.send?.({ id, ms: 0, error: messageOf(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
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
