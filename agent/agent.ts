import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Telemetry } from 'bullmq';
import type { AgentOptions } from './agentOptions.ts';
import type { Clock, Timer } from './common/clock.ts';
import { InterlockError, messageOf, toInterlockError } from './common/errors.ts';
import type { Random } from './common/random.ts';
import { within } from './common/within.ts';
import { ServiceSet } from './compose.ts';
import { ageThresholdsOf } from './config/ageThresholds.ts';
import { ConfigWatch } from './config/configWatch.ts';
import { loadConfig, type LoadedConfig } from './config/load.ts';
import { checkQueues, checkRoleNeeds, needsSharedRedis } from './config/roleNeeds.ts';
import { configSchema } from './config/schema.ts';
import { loadModule } from './handlers/loadModule.ts';
import { loadTelemetry } from './handlers/loadTelemetry.ts';
import { IdleExit } from './idleExit.ts';
import type { Logger } from './logging.ts';
import { AGENT_RECORD_FILE, readAgentRecord, type AgentRecord } from './protocol/agentRecord.ts';
import type { Holder } from './protocol/decision.ts';
import type { AgentStatus } from './protocol/model.ts';
import { ROLE_ALL } from './protocol/role.ts';
import { agentSocketPath } from './protocol/stateFolder.ts';
import { PROTOCOL_VERSION } from './protocol/version.ts';
import { RedisConnections } from './redis/connections.ts';
import { Keys } from './redis/keys.ts';
import { checkPermissions } from './redis/permissions.ts';
import {
  CLIENT_NAME_PREFIX,
  ensurePrivateServer,
  privateSocketPath,
  shutdownIfUnused,
} from './redis/privateServer.ts';
import { PrivateServerGuard } from './redis/privateServerGuard.ts';
import { isConnectionTrouble, isRefusedByRedis, redisError } from './redis/redisError.ts';
import { chooseRedisTarget } from './redis/target.ts';
import { Releasers } from './releasers.ts';
import { createHandlers } from './rpc/handlers.ts';
import { RoleGate } from './rpc/roleGate.ts';
import { RpcServer } from './rpc/server.ts';
import { currentHolder } from './state/processIdentity.ts';
import { stopBound, stopWithinMs } from './stopBound.ts';
import { VERSION } from './version.ts';

const STATUS_INTERVAL_MS = 1_000;

/** Spans that a collector does not take by then are lost: the agent leaves in time. */
const FLUSH_TELEMETRY_MS = 500;

export interface AgentContext {
  clock: Clock;
  random: Random;
  logger: Logger;
  env: NodeJS.ProcessEnv;
}

/** One agent: it takes the socket of its state folder, finds its Redis, and runs its services. */
export class Agent {
  private readonly agentId = `a${randomBytes(5).toString('hex')}`;
  private readonly token = randomUUID();
  private readonly startedAt: string;
  private readonly holder: Holder;
  private readonly releasers: Releasers;
  private readonly server: RpcServer;
  private services: ServiceSet | undefined;
  private connections: RedisConnections | undefined;
  private loaded: LoadedConfig | undefined;
  private configWatch: ConfigWatch | undefined;
  private readonly idleExit: IdleExit;
  private stopReason: string | undefined;
  private onStopRequested: (reason: string) => void = () => undefined;

  /** Settles with the reason when the agent shall leave. */
  readonly stopRequested: Promise<string>;

  constructor(
    private readonly options: AgentOptions,
    private readonly context: AgentContext,
  ) {
    const { clock, logger } = context;
    this.startedAt = new Date(clock.now()).toISOString();
    this.holder = currentHolder(options.role.text, this.agentId);
    this.releasers = new Releasers(logger);
    this.idleExit = new IdleExit(options.idleExitMs, clock, () =>
      this.requestStop(`no client for ${options.idleExitMs ?? 0} ms and nothing runs`),
    );
    this.stopRequested = new Promise((resolve) => (this.onStopRequested = resolve));
    this.server = new RpcServer({
      ...{ socketPath: agentSocketPath(options.stateFolder), clock, logger },
      explain: (thrown) => this.explain(thrown),
      onClientsChange: () => this.clientsChanged(),
    });
  }

  /**
   * Starts everything, in the order in which one part needs another.
   * @throws InterlockError `bad_config`, `already_running`, `redis_missing`, `redis_unreachable`,
   *   `redis_refused`; what was started until then is ended again
   */
  async start(): Promise<void> {
    const { options, context, releasers } = this;
    try {
      mkdirSync(options.stateFolder, { recursive: true, mode: 0o700 });
      chmodSync(options.stateFolder, 0o700);
      this.loaded = loadConfig(options.workspace, context.env);
      checkRoleNeeds(this.loaded.config, options.role);
      checkQueues(this.loaded.config, options.role, options.queues);
      await this.server.bind();
      releasers.add('socket', () => this.server.close(this.stopReason ?? 'the agent leaves'));
      const telemetry = await this.openTelemetry(this.loaded);
      const connections = await this.openRedis(this.loaded);
      this.services = new ServiceSet({
        ...{ config: this.loaded.config, workspace: options.workspace, connections },
        ...{ role: options.role, queues: options.queues, stateFolder: options.stateFolder },
        ...{ holder: this.holder, clock: context.clock, random: context.random },
        ...{ logger: context.logger, onRunsChange: (count) => this.idleExit.setRuns(count) },
        telemetry,
      });
      releasers.add('services', () => this.services?.close());
      await this.services.start();
      const offered = this.rpcServices(this.services);
      this.server.serve(createHandlers(offered), new RoleGate({ ...offered, role: options.role }));
      this.writeRecord();
      releasers.add('record', () => this.removeRecord());
      this.tellStatusRegularly();
      this.watchConfig(this.loaded);
      context.logger.info(
        { pid: process.pid, agentId: this.agentId, role: options.role.text, version: VERSION },
        'agent ready',
      );
    } catch (error) {
      await this.stop('it could not start');
      throw this.explain(error);
    }
  }

  /** Settles when a stop that begins now has to be over. */
  stopBound(): Promise<void> {
    return stopBound(this.connections, this.context.clock, this.finishRunsMs);
  }

  private get finishRunsMs(): number {
    return this.loaded?.config.shutdown.finishRuns ?? 0;
  }

  /** For an end at once: handler processes that hang would notice too late that their agent is gone. */
  killHandlers(): void {
    for (const pid of this.services?.processIds() ?? []) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }

  /** Ends everything in reverse order; bounded, with Redis dead too. */
  async stop(reason: string): Promise<void> {
    this.stopReason ??= reason;
    this.context.logger.info({ reason }, 'agent leaves');
    this.idleExit.close();
    await this.releasers.releaseAll();
  }

  status(): AgentStatus {
    const { options, loaded, connections, services } = this;
    const jobs = Object.entries(loaded?.config.jobs ?? {});
    return {
      ...{
        agentId: this.agentId,
        pid: process.pid,
        host: this.holder.host,
        role: this.holder.role,
      },
      ...{ version: VERSION, protocol: PROTOCOL_VERSION, workspace: options.workspace },
      ...{ stateFolder: options.stateFolder, startedAt: this.startedAt },
      now: new Date(this.context.clock.now()).toISOString(),
      draining: this.stopReason !== undefined,
      clients: this.server.clientCount,
      runsInProgress: services?.runsInProgress ?? 0,
      configPath: loaded?.file ?? null,
      configTrouble: this.configWatch?.trouble ?? null,
      jobTypes: jobs.map(([name, type]) => ({
        ...{ name, queue: type.queue, maxConcurrent: type.maxConcurrent ?? null },
        file: path.resolve(options.workspace, type.handler),
      })),
      thresholds: ageThresholdsOf(loaded?.config ?? configSchema.parse({})),
      alerts: services?.alerts ?? [],
      totals: services?.totals ?? { locks: 0, decisions: 0 },
      redis: connections?.status() ?? NO_REDIS_YET,
      metrics: services?.metrics,
    };
  }

  /** Before all that it is to see; what it has left is sent after all of them have ended. */
  private async openTelemetry({ config }: LoadedConfig): Promise<Telemetry | undefined> {
    if (config.telemetry === undefined) return undefined;
    const { options, context, releasers } = this;
    const file = path.resolve(options.workspace, config.telemetry);
    const { telemetry, shutdown } = await loadTelemetry(file, loadModule);
    releasers.add('telemetry', () => within(context.clock, FLUSH_TELEMETRY_MS, shutdown()));
    return telemetry;
  }

  private async openRedis(loaded: LoadedConfig): Promise<RedisConnections> {
    const { options, context, releasers } = this;
    const target = chooseRedisTarget({
      ...{ flag: options.redisUrl, env: context.env['REDIS_URL'], config: loaded.config.redis },
      privateSocketPath: privateSocketPath(options.stateFolder),
    });
    if (target.kind === 'private' && options.role.text !== ROLE_ALL.text) {
      throw needsSharedRedis(options.role);
    }
    const clientName = `${CLIENT_NAME_PREFIX}-${this.agentId}`;
    const { clock, env, logger } = context;
    const ensureServer = () => ensurePrivateServer(options.stateFolder, clock, env);
    if (target.kind === 'private') {
      const socketPath = await ensureServer();
      releasers.add('private redis', async () => {
        await shutdownIfUnused(socketPath, clientName);
      });
    }
    const connections = await RedisConnections.open(target, clientName);
    this.connections = connections;
    releasers.add('redis connections', () => connections.close());
    await checkPermissions(connections.commands, new Keys(loaded.config.redis.prefix), target);
    if (target.kind === 'private') {
      const guard = new PrivateServerGuard(connections, ensureServer, clock, logger);
      releasers.add('private redis guard', () => guard.close());
    }
    return connections;
  }

  private rpcServices(services: ServiceSet) {
    return {
      ...services.offered(),
      token: this.token,
      status: () => this.status(),
      requestStop: (reason: string) => this.requestStop(reason),
      stopWithinMs: stopWithinMs(this.finishRunsMs),
      clientsChanged: () => this.clientsChanged(),
      readLog: (lines: number) => readLogTail(this.options.stateFolder, lines),
    };
  }

  private requestStop(reason: string): void {
    this.stopReason ??= reason;
    this.onStopRequested(reason);
  }

  private writeRecord(): void {
    const record: AgentRecord = {
      ...{ pid: process.pid, processStart: this.holder.processStart, token: this.token },
      ...{ protocol: PROTOCOL_VERSION, version: VERSION, agentId: this.agentId },
      socketPath: agentSocketPath(this.options.stateFolder),
    };
    const file = path.join(this.options.stateFolder, AGENT_RECORD_FILE);
    rmSync(file, { force: true });
    writeFileSync(file, JSON.stringify(record, null, 2), { mode: 0o600 });
  }

  /** Only our own: a successor may have written its record already. */
  private removeRecord(): void {
    const { stateFolder } = this.options;
    if (readAgentRecord(stateFolder)?.agentId !== this.agentId) return;
    rmSync(path.join(stateFolder, AGENT_RECORD_FILE), { force: true });
  }

  private tellStatusRegularly(): void {
    const { clock } = this.context;
    const tell = () => this.services?.store.set('agent', 'agent', this.status());
    let timer: Timer | undefined;
    const again = () => {
      if (this.services?.store.hasListeners === true) tell();
      timer = clock.setTimeout(again, STATUS_INTERVAL_MS);
    };
    tell();
    again();
    this.connections?.onStatusChange(tell);
    this.releasers.add('status', () => timer?.cancel());
  }

  private watchConfig(loaded: LoadedConfig): void {
    const watch = new ConfigWatch(this.options.workspace, loaded, () =>
      this.services?.store.set('agent', 'agent', this.status()),
    );
    this.configWatch = watch;
    this.releasers.add('config watch', () => watch.close());
  }

  private clientsChanged(): void {
    this.services?.store.set('agent', 'agent', this.status());
    this.idleExit.setClients(this.server.clientCount);
  }

  private explain(thrown: unknown): InterlockError {
    const { connections } = this;
    if (thrown instanceof InterlockError) return thrown;
    if (connections !== undefined && isRefusedByRedis(thrown)) {
      return redisError(connections.target, messageOf(thrown));
    }
    if (connections !== undefined && isConnectionTrouble(thrown)) {
      return redisError(
        connections.target,
        connections.status().trouble ?? 'the connection is lost',
      );
    }
    return toInterlockError(thrown);
  }
}

const NO_REDIS_YET: AgentStatus['redis'] = {
  ...{ kind: 'private', address: '', version: null, state: 'connecting', trouble: null },
};

async function readLogTail(stateFolder: string, lines: number) {
  const { readFile } = await import('node:fs/promises');
  const file = path.join(stateFolder, 'agent.log');
  const text = await readFile(file, 'utf8').catch(() => '');
  return { path: file, lines: text.trimEnd().split('\n').slice(-lines) };
}
