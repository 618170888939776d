import type { Decision } from '../../../agent/protocol/decision.ts';

export const LIMIT = 2;

/** Job types by the rule they stand for. */
export const TYPES = ['both', 'limited', 'again', 'replaced', 'queued', 'running'] as const;
export type TypeName = (typeof TYPES)[number];

export type State = 'waiting' | 'prioritized' | 'delayed' | 'active' | 'failed' | 'completed';

export interface ModelJob {
  id: string;
  type: TypeName;
  key: string;
  priority: number;
  note: string;
  state: State;
  attemptsLeft: number;
}

export interface Request {
  type: TypeName;
  key: string;
  /** 0: before all others. */
  priority: number;
  note: string;
}

type Answer = Pick<Decision, 'outcome' | 'reason'> & { survivor: string | null };

const ACCEPTED: Answer = { outcome: 'accepted', reason: 'within_limits', survivor: null };

/** What the rules say, in the plainest words: the jobs, who has each key, and who has places. */
export class RulesModel {
  readonly jobs = new Map<string, ModelJob>();
  private readonly owners = new Map<string, string>();
  /** Jobs that come into the queue when the owner of a key has ended. */
  private readonly rescheduled = new Map<string, ModelJob>();
  private readonly admitted = new Set<string>();

  /** What an enqueue must be answered with. */
  expect(request: Request): Answer {
    const { type, key, priority } = request;
    const inTheWay = type === 'running' ? this.activeOf(type, key) : this.ownerInTheWay(type, key);
    if (inTheWay === undefined) return this.places(type);
    const survivor = inTheWay.id;
    if (inTheWay.state === 'prioritized' && priority < inTheWay.priority)
      return { outcome: 'replaced', reason: 'higher_priority', survivor };
    const reason = 'unique_key';
    if (type === 'replaced' && inTheWay.state !== 'active')
      return { outcome: 'replaced', reason, survivor };
    const next = this.rescheduled.get(of(request));
    if (type === 'again' && inTheWay.state === 'active')
      return next === undefined
        ? { outcome: 'rescheduled', reason, survivor }
        : { outcome: 'already_queued', reason, survivor: next.id };
    return { outcome: refusal(inTheWay), reason, survivor };
  }

  /** Takes over what the answer did. */
  apply(request: Request, { outcome, reason, survivor }: Answer, jobId: string): void {
    const job = newJob(request, jobId);
    if (outcome === 'accepted') this.put(job);
    else if (outcome === 'rescheduled') this.rescheduled.set(of(request), job);
    else if (reason === 'higher_priority') {
      this.jobs.delete(survivor ?? '');
      this.admitted.delete(survivor ?? '');
      this.put(job);
    } else if (outcome === 'replaced') this.job(survivor ?? '').note = request.note;
  }

  /** A job that another program added with plain BullMQ. */
  addForeign(request: Request, jobId: string): void {
    this.jobs.set(jobId, newJob(request, jobId));
  }

  /** Whether the last check lets a job run that was taken from the queue. */
  begin(id: string): 'run' | 'skip' {
    const job = this.job(id);
    const { type, key } = job;
    const runs = this.activeOf(type, key);
    const isExclusive = type !== 'queued';
    job.state = 'active';
    if (isExclusive && runs !== undefined) return 'skip';
    if (isExclusive && type !== 'running') {
      const owner = this.owner(type, key);
      if (owner !== undefined && owner.id !== id) return 'skip';
      this.owners.set(of(job), id);
    }
    if (type === 'limited' && !this.admitted.has(id)) {
      if (this.placesTaken() >= LIMIT) return 'skip';
      this.admitted.add(id);
    }
    return 'run';
  }

  end(id: string, state: 'completed' | 'failed'): void {
    const job = this.job(id);
    job.state = state;
    this.admitted.delete(id);
    if (this.owners.get(of(job)) !== id) return;
    this.owners.delete(of(job));
    const next = this.rescheduled.get(of(job));
    this.rescheduled.delete(of(job));
    if (next !== undefined) this.put(next);
  }

  fail(id: string): void {
    const job = this.job(id);
    job.attemptsLeft -= 1;
    if (job.attemptsLeft === 0) this.end(id, 'failed');
    else job.state = 'delayed';
  }

  promote(id: string): void {
    const job = this.job(id);
    job.state = job.priority > 0 ? 'prioritized' : 'waiting';
  }

  /** A dead worker's job goes back, to the front of those that wait. */
  giveBack(id: string): void {
    this.job(id).state = 'waiting';
  }

  remove(id: string): boolean {
    const job = this.job(id);
    const owns = this.owners.get(of(job)) === id;
    if (job.state === 'active' || (owns && this.rescheduled.has(of(job)))) return false;
    this.jobs.delete(id);
    this.admitted.delete(id);
    if (owns) this.owners.delete(of(job));
    return true;
  }

  requeue(id: string): boolean {
    const job = this.job(id);
    const { type, key } = job;
    const inTheWay = type === 'running' ? this.activeOf(type, key) : this.ownerInTheWay(type, key);
    if (inTheWay !== undefined) return false;
    if (type === 'limited' && this.placesTaken() >= LIMIT) return false;
    job.attemptsLeft = ATTEMPTS;
    this.promote(id);
    if (type === 'limited') this.admitted.add(id);
    if (type !== 'running') this.owners.set(of(job), id);
    return true;
  }

  inState(...states: State[]): ModelJob[] {
    return [...this.jobs.values()].filter((job) => states.includes(job.state));
  }

  /** At most one of a key runs, and places are never overdrawn. */
  violations(): string[] {
    const found: string[] = [];
    const runs = this.inState('active').filter(({ type }) => type !== 'queued');
    if (new Set(runs.map(of)).size < runs.length) found.push('two runs of one key');
    if (this.placesTaken() > LIMIT) found.push('too many places');
    return found;
  }

  job(id: string): ModelJob {
    const job = this.jobs.get(id);
    if (job === undefined) throw new Error(`The model knows no job ${id}`);
    return job;
  }

  private put(job: ModelJob): void {
    this.jobs.set(job.id, job);
    if (job.type !== 'running') this.owners.set(of(job), job.id);
    if (job.type === 'limited') this.admitted.add(job.id);
  }

  private places(type: TypeName): Answer {
    if (type !== 'limited' || this.placesTaken() < LIMIT) return ACCEPTED;
    const taken = [...this.admitted].map((id) => this.job(id));
    const survivor = taken.find(({ state }) => state === 'active') ?? taken[0];
    const outcome = survivor === undefined ? 'skipped' : refusal(survivor);
    return { outcome, reason: 'concurrency_limit', survivor: survivor?.id ?? null };
  }

  private placesTaken(): number {
    return this.admitted.size;
  }

  private owner(type: TypeName, key: string): ModelJob | undefined {
    return this.jobs.get(this.owners.get(of({ type, key })) ?? '');
  }

  private ownerInTheWay(type: TypeName, key: string): ModelJob | undefined {
    const owner = this.owner(type, key);
    return type === 'queued' && owner?.state === 'active' ? undefined : owner;
  }

  private activeOf(type: TypeName, key: string): ModelJob | undefined {
    return this.inState('active').find((job) => job.type === type && job.key === key);
  }
}

export const ATTEMPTS = 2;

function newJob(request: Request, id: string): ModelJob {
  const state = request.priority > 0 ? 'prioritized' : 'waiting';
  return { ...request, id, state, attemptsLeft: ATTEMPTS };
}

function of({ type, key }: { type: TypeName; key: string }): string {
  return `${type} ${key}`;
}

function refusal({ state }: ModelJob): 'already_running' | 'already_queued' {
  return state === 'active' ? 'already_running' : 'already_queued';
}
