import type { AgentClient } from '../../protocol/agentClient.ts';
import { notifications, requests } from '../../protocol/api.ts';
import type { StateDelta, StateSnapshot } from '../../protocol/model.ts';
import { applyDelta } from './stateMirror.ts';

/** An up-to-date copy of an agent's state: a snapshot, then numbered deltas. */
export class AgentWatch {
  private resubscribing = false;

  private constructor(
    private readonly client: AgentClient,
    private current: StateSnapshot,
    private readonly onChange: (state: StateSnapshot) => void,
  ) {}

  static async start(
    client: AgentClient,
    onChange: (state: StateSnapshot) => void,
  ): Promise<AgentWatch> {
    const early: StateDelta[] = [];
    // Deltas may overtake the answer that carries the snapshot.
    let take = (delta: StateDelta): unknown => early.push(delta);
    client.onNotification(notifications.delta, (delta) => void take(delta));
    const snapshot = await client.request(requests.subscribe, {});
    const watch = new AgentWatch(client, snapshot, onChange);
    onChange(snapshot);
    take = (delta) => watch.take(delta);
    for (const delta of early) watch.take(delta);
    return watch;
  }

  get state(): StateSnapshot {
    return this.current;
  }

  private take(delta: StateDelta): void {
    if (delta.seq <= this.current.seq) return;
    const next = applyDelta(this.current, delta);
    if (next === undefined) {
      void this.resubscribe();
      return;
    }
    this.current = next;
    this.onChange(next);
  }

  /** After a gap. A connection that ended meanwhile is told by its close event. */
  private async resubscribe(): Promise<void> {
    if (this.resubscribing) return;
    this.resubscribing = true;
    try {
      this.current = await this.client.request(requests.subscribe, {});
      this.onChange(this.current);
    } catch {
      // The close event tells it.
    } finally {
      this.resubscribing = false;
    }
  }
}
