import { InterlockError, messageOf } from '../../agent/common/errors.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { FaultAgent } from './faultAgent.ts';
import type { PlannedEnqueue } from './faultPlan.ts';
import type { EnqueueAnswer, EnqueueEntry } from './faultRecord.ts';

/** Errors that say that someone is away: whether the job came in is not known then. */
const AWAY = ['no_agent', 'agent_stopping', 'redis_unreachable', 'timeout'];

/** Asks agents for jobs, and keeps what they answered. */
export class EnqueueLoad {
  readonly entries: EnqueueEntry[] = [];
  private readonly pending = new Set<Promise<void>>();
  private lastNumber = 0;

  constructor(private readonly agents: FaultAgent[]) {}

  /** Asks the agent of the plan, or the next one that is there. */
  start(plan: PlannedEnqueue): void {
    const agent = this.agents
      .map((_, i) => this.agents[(plan.agent + i) % this.agents.length])
      .find((each) => each?.client !== undefined);
    const client = agent?.client;
    if (agent === undefined || client === undefined) return;
    this.lastNumber += 1;
    const { type, key, workMs, steps, stubborn, fails } = plan;
    const n = this.lastNumber;
    const entry: EnqueueEntry = {
      ...{ n, agent: agent.name, type, key },
      ...{ askedAtMs: performance.now(), answeredAtMs: null, answer: null },
    };
    this.entries.push(entry);
    const data = { n, key, workMs, steps, stubborn, fails };
    const done = client
      .request(requests.enqueue, { type, data })
      .then(
        ([decision]): EnqueueAnswer =>
          decision === undefined
            ? { kind: 'error', why: 'the answer holds no decision' }
            : { kind: 'decision', decision },
        answerOf,
      )
      .then((answer) => {
        entry.answer = answer;
        entry.answeredAtMs = performance.now();
        this.pending.delete(done);
      });
    this.pending.add(done);
  }

  /** Resolves when every question that was asked has an answer, or can get none any more. */
  async answered(): Promise<void> {
    await Promise.all(this.pending);
  }
}

function answerOf(thrown: unknown): EnqueueAnswer {
  const why = messageOf(thrown);
  return thrown instanceof InterlockError && AWAY.includes(thrown.code)
    ? { kind: 'unknown', why }
    : { kind: 'error', why };
}
