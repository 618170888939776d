import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultAgent } from './faultAgent.ts';
import { FAULT_KINDS, type Fault, type FaultKind } from './faultPlan.ts';
import type { FaultRedis } from './faultRedis.ts';

/** What a fault has in its hands: no two have the same one at a time. */
type Part = `process ${number}` | `network ${number}` | 'redis' | 'clock';

export interface FaultInjectorOptions {
  agents: FaultAgent[];
  redis: FaultRedis;
  /** The file that the moved clock reads. */
  clockFile: string;
  log: (line: string) => void;
}

/** Makes faults happen and ends them again. */
export class FaultInjector {
  readonly counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  /** Left out, as another fault had its hands on the same part, or the agent was only starting. */
  leftOut = 0;
  private readonly taken = new Set<Part>();
  private readonly running = new Set<Promise<void>>();
  private healing = new AbortController();

  constructor(private readonly options: FaultInjectorOptions) {
    this.setClock(0);
  }

  /** Starts a fault now; it ends by itself, or when `heal()` is called. */
  start(fault: Fault): void {
    const part = partOf(fault);
    const agent = this.options.agents[fault.agent];
    if (agent === undefined || this.taken.has(part) || isTooEarly(fault, agent)) {
      this.leftOut += 1;
      return;
    }
    this.taken.add(part);
    this.counts[fault.kind] += 1;
    const { log } = this.options;
    log(`${fault.kind} ${fault.kind === 'redis' ? '' : agent.name} for ${fault.forMs} ms`);
    const done = this.run(fault, agent)
      .catch((error: unknown) => log(`${fault.kind} of ${agent.name} failed: ${String(error)}`))
      .finally(() => {
        log(`${fault.kind} ${agent.name} is over`);
        this.taken.delete(part);
        this.running.delete(done);
      });
    this.running.add(done);
  }

  /** Ends every fault, and the moved clock is right again. */
  async heal(): Promise<void> {
    this.healing.abort();
    await Promise.all(this.running);
    this.healing = new AbortController();
    this.setClock(0);
  }

  private async run(fault: Fault, agent: FaultAgent): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        await agent.kill();
        await this.wait(fault.forMs);
        return agent.start();
      case 'stop':
        await agent.stop();
        await this.wait(fault.forMs);
        return agent.start();
      case 'freeze':
        return this.freeze([agent.pid ?? 0], fault.forMs);
      case 'freezeHandlers':
        return this.freeze(agent.childPids(), fault.forMs);
      case 'freezeAll':
        return this.freezeAll(fault, agent);
      case 'killHandlers':
        for (const pid of agent.childPids()) signal(pid, 'SIGKILL');
        return;
      case 'orphan':
        return this.orphan(fault, agent);
      case 'cut':
        return this.network(fault, 'cut');
      case 'stall':
        return this.network(fault, 'stalled');
      case 'mute':
        return this.network(fault, 'mute');
      case 'redis':
        await this.options.redis.kill();
        await this.wait(fault.forMs);
        return this.options.redis.restart();
      case 'clock':
        this.setClock(fault.clockOffsetMs);
        return;
    }
  }

  private async freeze(pids: number[], forMs: number): Promise<void> {
    for (const pid of pids) signal(pid, 'SIGSTOP');
    await this.wait(forMs);
    for (const pid of pids) signal(pid, 'SIGCONT');
  }

  private async freezeAll(fault: Fault, agent: FaultAgent): Promise<void> {
    const own = [agent.pid ?? 0];
    const handlers = agent.childPids();
    const [first, second] = fault.handlersFirst ? [handlers, own] : [own, handlers];
    for (const pid of [...handlers, ...own]) signal(pid, 'SIGSTOP');
    await this.wait(fault.forMs);
    for (const pid of first) signal(pid, 'SIGCONT');
    await this.wait(fault.gapMs);
    for (const pid of second) signal(pid, 'SIGCONT');
  }

  /** Frozen handler processes outlive their agent, and wake up beside its successors. */
  private async orphan(fault: Fault, agent: FaultAgent): Promise<void> {
    const handlers = agent.childPids();
    for (const pid of handlers) signal(pid, 'SIGSTOP');
    const thawed = this.wait(fault.forMs).then(() => {
      for (const pid of handlers) signal(pid, 'SIGCONT');
    });
    // What a frozen child holds open keeps the end of its parent from being told: not awaited.
    const killed = agent.kill().then(() => agent.start());
    await Promise.all([thawed, killed]);
  }

  private async network(fault: Fault, mode: 'cut' | 'stalled' | 'mute'): Promise<void> {
    this.options.redis.setMode(fault.agent, mode);
    await this.wait(fault.forMs);
    this.options.redis.setMode(fault.agent, 'open');
  }

  private setClock(offsetMs: number): void {
    writeFileSync(this.options.clockFile, String(offsetMs));
  }

  private async wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.healing.signal }).catch(() => undefined);
  }
}

function isTooEarly(fault: Fault, agent: FaultAgent): boolean {
  const isOfAgent = fault.kind !== 'redis' && fault.kind !== 'clock';
  return isOfAgent && !fault.whileStarting && agent.client === undefined;
}

function partOf(fault: Fault): Part {
  switch (fault.kind) {
    case 'redis':
    case 'clock':
      return fault.kind;
    case 'cut':
    case 'stall':
    case 'mute':
      return `network ${fault.agent}`;
    case 'kill':
    case 'stop':
    case 'freeze':
    case 'freezeAll':
    case 'freezeHandlers':
    case 'killHandlers':
    case 'orphan':
      return `process ${fault.agent}`;
  }
}

/** 0 stands for an agent that is not there: to a process id of 0 the whole group would listen. */
function signal(pid: number, name: NodeJS.Signals): void {
  if (pid <= 0) return;
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
