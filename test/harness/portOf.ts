import type { AddressInfo } from 'node:net';

/** @returns the port a server listens on. @throws Error when it listens on none */
export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('It listens on no port');
  return address.port;
}
