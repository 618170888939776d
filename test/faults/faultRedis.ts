import { RedisServer } from '../harness/redisServer.ts';
import { RedisProxy, type ProxyMode } from './redisProxy.ts';

/** One Redis, and the way of each agent to it. */
export class FaultRedis {
  private readonly modes: ProxyMode[];
  private isDown = false;

  private constructor(
    readonly server: RedisServer,
    private readonly proxies: RedisProxy[],
  ) {
    this.modes = proxies.map(() => 'open');
  }

  static async start(agents: number): Promise<FaultRedis> {
    const server = await RedisServer.start();
    await writeAtOnce(server);
    const proxies: RedisProxy[] = [];
    for (let i = 0; i < agents; i++) proxies.push(await RedisProxy.start(server.socketPath));
    return new FaultRedis(server, proxies);
  }

  urlOf(agent: number): string {
    return this.proxies[agent]?.url ?? '';
  }

  setMode(agent: number, mode: ProxyMode): void {
    this.modes[agent] = mode;
    this.apply();
  }

  /** kill -9. Nobody comes through until `restart()`. */
  async kill(): Promise<void> {
    this.isDown = true;
    await this.server.kill();
    this.apply();
  }

  async restart(): Promise<void> {
    await this.server.restart();
    await writeAtOnce(this.server);
    this.isDown = false;
    this.apply();
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.close()));
    await this.server.stop();
  }

  private apply(): void {
    this.proxies.forEach((proxy, i) => {
      const mode = this.isDown ? 'cut' : (this.modes[i] ?? 'open');
      if (proxy.mode !== mode) proxy.setMode(mode);
    });
  }
}

/**
 * With one fsync per second Redis may answer before it writes, while an fsync is under way: what
 * was answered could then be lost by kill -9, as the README says. Without fsync each write is in the
 * file before its answer, so a job that is lost is lost by us. Agents are kept out until it is so.
 */
async function writeAtOnce(server: RedisServer): Promise<void> {
  const client = server.client();
  await client.config('SET', 'appendfsync', 'no');
  client.disconnect();
}
