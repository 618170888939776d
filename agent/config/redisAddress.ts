/** Where a Redis is, read from the text of a URL. */
export type RedisAddress = SocketAddress | NetworkAddress;

export interface SocketAddress {
  way: 'socket';
  path: string;
}

export interface NetworkAddress {
  /** One server, a master that Sentinel knows, or a Cluster. */
  way: 'single' | 'sentinel' | 'cluster';
  tls: boolean;
  username: string | undefined;
  password: string | undefined;
  /** The server; the sentinels; some nodes of the Cluster. At least one. */
  nodes: RedisNode[];
  /** Sentinel's name of the master; '' for the other ways. */
  master: string;
  database: number;
  /** The address as it was written, without user, password and query. */
  shown: string;
}

export interface RedisNode {
  host: string;
  port: number;
}

/** For messages: all that an address may be. */
export const REDIS_ADDRESS_EXPECTED =
  'redis://host:port, redis+sentinel://host:port,host:port/master, redis+cluster://host:port,host:port, the same with rediss for TLS, or the path of a unix socket';

const SCHEME = /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\//;
const NODE = /^(?:\[([\da-f:.]+)\]|([^\s:[\]@]+))(?::(\d{1,5}))?$/i;
const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const MAX_PORT = 65_535;

/** @returns undefined for a text that is no address of a Redis */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  if (text.startsWith('/')) return { way: 'socket', path: text };
  if (text.startsWith('unix://')) {
    return URL.canParse(text) ? { way: 'socket', path: new URL(text).pathname } : undefined;
  }
  const [scheme, transport, kind] = SCHEME.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const [rest = ''] = text.slice(scheme.length).split(/[?#]/);
  const slash = rest.includes('/') ? rest.indexOf('/') : rest.length;
  const at = rest.lastIndexOf('@', slash);
  const way = kind === 'sentinel' || kind === 'cluster' ? kind : 'single';
  const nodes = readNodes(
    rest.slice(at + 1, slash),
    way === 'sentinel' ? SENTINEL_PORT : REDIS_PORT,
  );
  const user = readUser(at === -1 ? '' : rest.slice(0, at));
  const place = readPath(way, rest.slice(slash + 1));
  if (nodes === undefined || user === undefined || place === undefined) return undefined;
  if (way === 'single' && nodes.length !== 1) return undefined;
  const shown = `${scheme}${rest.slice(at + 1)}`.replace(/\/$/, '');
  return { way, tls: transport === 'rediss', ...user, nodes, ...place, shown };
}

function readNodes(text: string, defaultPort: number): RedisNode[] | undefined {
  const nodes: RedisNode[] = [];
  for (const part of text.split(',')) {
    const [found, ipv6, host = ipv6, portText] = NODE.exec(part) ?? [];
    const port = portText === undefined ? defaultPort : Number(portText);
    if (found === undefined || host === undefined || port < 1 || port > MAX_PORT) return undefined;
    nodes.push({ host, port });
  }
  return nodes;
}

function readUser(text: string): Pick<NetworkAddress, 'username' | 'password'> | undefined {
  const colon = text.includes(':') ? text.indexOf(':') : text.length;
  try {
    const username = decodeURIComponent(text.slice(0, colon));
    const password = decodeURIComponent(text.slice(colon + 1));
    return {
      username: username === '' ? undefined : username,
      password: password === '' ? undefined : password,
    };
  } catch {
    return undefined;
  }
}

/** What stands behind the hosts: `/3` is a database, `/mymaster/3` a master of Sentinel with one. */
function readPath(
  way: NetworkAddress['way'],
  text: string,
): Pick<NetworkAddress, 'master' | 'database'> | undefined {
  const parts = text.split('/').filter((part) => part !== '');
  const master = way === 'sentinel' ? (parts.shift() ?? '') : '';
  const [database = '0', ...more] = parts;
  if (more.length > 0 || !/^\d{1,4}$/.test(database)) return undefined;
  if (way === 'sentinel' && master === '') return undefined;
  // A Cluster has one database.
  if (way === 'cluster' && Number(database) !== 0) return undefined;
  return { master, database: Number(database) };
}
