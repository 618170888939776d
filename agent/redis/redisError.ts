import { InterlockError, messageOf } from '../common/errors.ts';
import { REDIS_ADDRESS_EXPECTED } from '../config/redisAddress.ts';
import { describeTarget, type RedisTarget } from './target.ts';

const CONNECTION_TROUBLE =
  /max retries per request|connection is (closed|in)|command timed out|stream isn't writ|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|LOADING|CLUSTERDOWN|MASTERDOWN|READONLY|UNBLOCKED|cluster (is (ended|disconnect)|redirections)|slots cache|startup nodes|sentinels are unreachable/i;

/** Whether what was thrown means that Redis is away, and not that something else is wrong. */
export function isConnectionTrouble(thrown: unknown): boolean {
  return CONNECTION_TROUBLE.test(messageOf(thrown));
}

/** Whether what was thrown means that the user of Redis may not do what was asked. */
export function isRefusedByRedis(thrown: unknown): boolean {
  return /\bNOPERM\b|ACL failure in script/.test(messageOf(thrown));
}

type Explanation = Pick<InterlockError, 'code' | 'message'> & { remedy: string };

/** Says what is wrong with a Redis, and what to do. */
export function redisError(target: RedisTarget, reason: string): InterlockError {
  const why = reason.replace(/\.$/, '');
  const address = describeTarget(target);
  const { code, message, remedy } =
    refused(address, why) ?? wrongTls(address, why) ?? wrongKind(address, why) ?? away(target, why);
  return new InterlockError({ code, message, remedy });
}

function refused(address: string, why: string): Explanation | undefined {
  const code = 'redis_refused';
  if (/NOPERM|ACL failure/i.test(why)) {
    return {
      code,
      message: `The user of Redis at ${address} may not do what Interlock needs: ${why}.`,
      remedy:
        'Give this user the commands and keys that the chapter "The least that a user needs" of docs/redis.md lists.',
    };
  }
  if (!/NOAUTH|WRONGPASS|invalid password|DENIED|without any password/i.test(why)) return undefined;
  if (/sentinel/i.test(why)) {
    return {
      code,
      message: `Sentinel at ${address} refuses this client: ${why}.`,
      remedy:
        'Set "sentinelPassword", and "sentinelUsername" where there is one, below "redis" in interlock.config.json.',
    };
  }
  return {
    code,
    message: `Redis at ${address} refuses this client: ${why}.`,
    remedy: 'Give the right user and password in the URL: redis://user:password@host:port.',
  };
}

function wrongTls(address: string, why: string): Explanation | undefined {
  if (/alert (number 116|certificate required|bad certificate|unknown ca|handshake)/i.test(why)) {
    return {
      code: 'redis_refused',
      message: `Redis at ${address} wants a certificate of this client: ${why}.`,
      remedy: 'Set "redis.tls.certFile" and "redis.tls.keyFile" in interlock.config.json.',
    };
  }
  const code = 'redis_unreachable';
  if (/wrong version number|packet length too long|SSL routines/i.test(why)) {
    return {
      code,
      message: `Redis at ${address} does not speak TLS: ${why}.`,
      remedy: 'Write redis:// instead of rediss://, or give the port that has TLS.',
    };
  }
  if (/altnames/i.test(why)) {
    return {
      code,
      message: `The certificate of Redis at ${address} is for another name: ${why}.`,
      remedy:
        'Use the name in the certificate as the host, or set "redis.tls.serverName" in interlock.config.json to it.',
    };
  }
  if (!/certificate/i.test(why)) return undefined;
  return {
    code,
    message: `The certificate of Redis at ${address} is not trusted: ${why}.`,
    remedy:
      'Set "redis.tls.caFile" in interlock.config.json to the certificate of the authority that signed it.',
  };
}

/** It answers, and is something else than the address says. */
function wrongKind(address: string, why: string): Explanation | undefined {
  const code = 'redis_unreachable';
  const remedy = `Write one of ${REDIS_ADDRESS_EXPECTED}.`;
  if (/cluster support disabled/i.test(why))
    return { code, message: `Redis at ${address} is no Cluster.`, remedy };
  if (/\bMOVED\b|redis_mode:cluster/.test(why))
    return { code, message: `Redis at ${address} is a server of a Cluster.`, remedy };
  if (/redis_mode:sentinel/.test(why))
    return { code, message: `What answers at ${address} is a Sentinel.`, remedy };
  if (/sentinel.*(invalid reply: null|no such master)/i.test(why)) {
    return {
      code,
      message: `The sentinels of ${address} know no master of this name.`,
      remedy: 'Write the name that stands behind "sentinel monitor" in the config of Sentinel.',
    };
  }
  return undefined;
}

function away(target: RedisTarget, why: string): Explanation {
  return {
    code: 'redis_unreachable',
    message: `Redis at ${describeTarget(target)} can not be reached: ${why}.`,
    remedy: remedyOfAway(target),
  };
}

function remedyOfAway(target: RedisTarget): string {
  if (target.kind === 'private')
    return 'Run "interlock doctor"; the log of the private server is redis.log in the state folder.';
  // A server without TLS says nothing, and one that wants a certificate may only hang up.
  if (target.url.startsWith('rediss'))
    return 'Check that it runs and that this port has TLS; where it wants a certificate of this client, set "redis.tls.certFile" and "redis.tls.keyFile".';
  return 'Check that it runs and that the address is right, or leave the address out to use a private server.';
}
