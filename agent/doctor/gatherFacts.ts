import { accessSync, constants, statSync } from 'node:fs';
import type { Clock } from '../common/clock.ts';
import { messageOf, toInterlockError } from '../common/errors.ts';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { configSchema, type Config } from '../config/schema.ts';
import type { AgentClient } from '../protocol/agentClient.ts';
import { readAgentRecord } from '../protocol/agentRecord.ts';
import { requests } from '../protocol/api.ts';
import { isSameProcessAlive } from '../state/processIdentity.ts';
import type { AgentFacts, ConfigFacts, DoctorFacts, StateFolderFacts, Trouble } from './facts.ts';
import { gatherRedisFacts } from './gatherRedisFacts.ts';

export interface DoctorOptions {
  workspace: string;
  stateFolder: string;
  redisUrl: string | undefined;
  clock: Clock;
  env: NodeJS.ProcessEnv;
  nodeVersion: string;
  connectAgent(): Promise<AgentClient>;
}

/** Looks everywhere, starts nothing, and does not give up when one part is down. */
export async function gatherFacts(options: DoctorOptions): Promise<DoctorFacts> {
  const loaded = tryLoadConfig(options.workspace);
  const { config } = loaded;
  const [{ agent, streams }, found] = await Promise.all([
    lookAtAgent(options),
    gatherRedisFacts(options, config),
  ]);
  return {
    nodeVersion: options.nodeVersion,
    config: loaded.facts,
    stateFolder: lookAtStateFolder(options.stateFolder),
    agent,
    ...found,
    declared: {
      jobs: Object.keys(config.jobs).length,
      schedules: Object.keys(config.schedules).length,
      streams: Object.keys(config.streams).length,
    },
    ...{ env: options.env, streams },
  };
}

function tryLoadConfig(folder: string): { config: Config; facts: ConfigFacts } {
  let loaded: LoadedConfig = { config: configSchema.parse({}), file: null };
  let error: Trouble | null = null;
  try {
    loaded = loadConfig(folder);
  } catch (thrown) {
    error = troubleOf(thrown);
  }
  const { config, file } = loaded;
  return { config, facts: { folder, file, jobTypes: Object.keys(config.jobs).length, error } };
}

function lookAtStateFolder(folder: string): StateFolderFacts {
  try {
    const { mode } = statSync(folder);
    return {
      ...{ path: folder, exists: true, writable: isWritable(folder) },
      mode: process.platform === 'win32' ? null : mode,
    };
  } catch {
    return { path: folder, exists: false, writable: false, mode: null };
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

async function lookAtAgent(
  options: DoctorOptions,
): Promise<{ agent: AgentFacts; streams: DoctorFacts['streams'] }> {
  const record = readAgentRecord(options.stateFolder);
  if (record === undefined || !isSameProcessAlive(record.pid, record.processStart)) {
    return { agent: { state: 'none' }, streams: null };
  }
  let client: AgentClient | undefined;
  try {
    client = await options.connectAgent();
    const [status, streams] = await Promise.all([
      client.request(requests.status, {}),
      client.request(requests.streams, {}),
    ]);
    const { pid, role, version, configTrouble } = status;
    const metricsTrouble = status.metrics?.trouble ?? null;
    return {
      agent: { state: 'running', pid, role, version, configTrouble, metricsTrouble },
      streams,
    };
  } catch (thrown) {
    const agent = { state: 'troubled', pid: record.pid, trouble: troubleOf(thrown) } as const;
    return { agent, streams: null };
  } finally {
    client?.dispose();
  }
}

export function troubleOf(thrown: unknown): Trouble {
  return { message: messageOf(thrown), remedy: toInterlockError(thrown).remedy ?? null };
}
