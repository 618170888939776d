/** `worker "billing" (127.0.0.1:51234)`: a worker that Interlock did not start, in a sentence. */
export function outsideWorkerText(worker: string | null, address: string | null): string {
  const name = worker === null ? 'a worker without a name' : `worker "${worker}"`;
  return address === null ? name : `${name} (${address})`;
}
