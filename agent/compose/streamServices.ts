import * as path from 'node:path';
import { loadModule } from '../handlers/loadModule.ts';
import type { StreamRow } from '../protocol/model.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import { TurnTime } from '../streams/connection/turnTime.ts';
import { Venues } from '../streams/connection/venueGate.ts';
import { removeLeftSpill } from '../streams/pipeline/leftSpill.ts';
import { Asks } from '../streams/pool/asks.ts';
import { RedisVenueShare } from '../streams/pool/redisVenueShare.ts';
import { RedisWantedStore } from '../streams/pool/redisWantedStore.ts';
import { ShardProgress } from '../streams/pool/shardProgress.ts';
import { StreamLook } from '../streams/pool/streamLook.ts';
import { StreamRegistry } from '../streams/pool/streamRegistry.ts';
import { StreamService } from '../streams/pool/streamService.ts';
import { SymbolStore } from '../streams/symbols/symbolStore.ts';
import type { CoreServices, ServiceSetOptions } from './coreServices.ts';

/** The streams of an agent that takes part in running them. */
export function streamService(options: ServiceSetOptions, core: CoreServices): StreamService {
  const { redis, keys, registry, store, decisions } = core;
  return new StreamService({
    ...{ ...streamContext(options, core), spillFolder: spillFolder(options) },
    asks: new Asks(redis, keys.streamAsks),
    healthEveryMs: options.config.health.every,
    agents: () => registry.list(),
    announce: (streams) => registry.announce({ streams }),
    recordDecision: (decision) => decisions.record(decision),
    onChange: (row) => store.set('streams', row.name, row),
    onRemove: () => undefined,
  });
}

/** The streams of an agent that runs none. */
function streamLook(options: ServiceSetOptions, core: CoreServices): StreamLook {
  return new StreamLook({ ...streamContext(options, core), spillFolder: null });
}

/** Who runs streams knows its own at any moment; the others read what those wrote. */
export function streamRowsOf(
  streams: StreamService | undefined,
  options: ServiceSetOptions,
  core: CoreServices,
): () => Promise<StreamRow[]> {
  if (streams !== undefined) return () => Promise.resolve(streams.rows());
  const look = streamLook(options, core);
  return () => look.rows();
}

function streamContext(options: ServiceSetOptions, core: CoreServices) {
  const { config, clock, random, logger, holder, workspace } = options;
  const { redis, scripts, keys, leases, enqueuer } = core;
  return {
    ...{ streams: config.streams, leases, enqueuing: enqueuer },
    ...{ clock, random, logger, holder, workspace, loadModule, venues: venuesOf(options, core) },
    turnTime: new TurnTime(clock),
    progress: new ShardProgress(redis, keys),
    symbols: new SymbolStore(redis, scripts, keys),
    registry: new StreamRegistry({ redis, scripts, keys, clock, logger }),
    nowMs: () => redisNowMs(redis),
    wantedStore: new RedisWantedStore(redis, keys.wantedStreams),
  };
}

/** A venue counts connections by address or by account: those of the other agents are counted, too. */
function venuesOf({ clock, logger, holder }: ServiceSetOptions, core: CoreServices): Venues {
  const { redis, scripts, keys } = core;
  const share = { redis, scripts, keys, clock, logger, holder };
  return new Venues(clock, (host, sharedBy) => new RedisVenueShare(host, sharedBy, share));
}

/** Ticks that wait for Redis are files there; what a killed agent left is of no use any more. */
function spillFolder({ stateFolder, clock, logger }: ServiceSetOptions): string | null {
  if (stateFolder === null) return null;
  const folder = path.join(stateFolder, 'spill');
  const removed = removeLeftSpill(folder, clock);
  if (removed.length > 0) logger.warn({ removed }, 'ticks of killed agents removed');
  return folder;
}
