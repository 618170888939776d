import type { Ask, Asks, SteeringAsk } from './asks.ts';
import type { Handovers } from './handovers.ts';
import type { ManagedStream } from './managedStream.ts';

export interface AskObeyerOptions {
  asks: Asks;
  handovers: Handovers;
  streamOf: (name: string) => ManagedStream | undefined;
  /** Shards may be free. */
  look: () => void;
}

/** Does what other agents, and persons elsewhere, ask of this agent. */
export class AskObeyer {
  constructor(private readonly options: AskObeyerOptions) {}

  /** Reads what came since the last time, and obeys. Never rejects: what was not read comes again. */
  async heed(): Promise<void> {
    const asked = await this.options.asks.read().catch(() => []);
    for (const one of asked) await this.obey(one);
  }

  private async obey(ask: Ask): Promise<void> {
    const { handovers } = this.options;
    switch (ask.ask) {
      case 'plan':
        // Plans are read with each look, and this one follows at once.
        return;
      case 'take': {
        handovers.onTake(ask);
        return;
      }
      case 'ready': {
        handovers.onReady(ask);
        return;
      }
      case 'declined': {
        handovers.onDeclined(ask);
        return;
      }
      case 'passed':
        return handovers.onPassed(ask);
      case 'resume':
      case 'rotate':
      case 'restart':
        return this.steer(ask);
    }
  }

  private async steer({ ask, stream: name, shard }: SteeringAsk): Promise<void> {
    const stream = this.options.streamOf(name);
    if (stream === undefined) return;
    const runs = [...stream.runs.values()].filter((run) => shard === null || run.shard === shard);
    switch (ask) {
      case 'resume': {
        runs.forEach((run) => run.resume());
        return;
      }
      case 'rotate': {
        runs.forEach((run) => run.rotate('a person asked for it'));
        return;
      }
      case 'restart': {
        stream.forget();
        await Promise.all(runs.map((run) => stream.end(run.shard)));
        this.options.look();
      }
    }
  }
}
