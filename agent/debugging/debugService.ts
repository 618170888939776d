import { randomUUID } from 'node:crypto';
import * as path from 'node:path';
import type { Job } from 'bullmq';
import type { Clock, Timer } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { Config, JobTypeConfig } from '../config/schema.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { JobRef } from '../jobs/jobActions.ts';
import type { JobClaim } from '../jobs/jobClaim.ts';
import { stateOf, type JobReader } from '../jobs/jobReader.ts';
import { leaseTimesOf } from '../jobs/leaseTimes.ts';
import { payloadOf, replayOf } from '../jobs/replay.ts';
import type { WorkerPool } from '../jobs/workerPool.ts';
import type { Logger } from '../logging.ts';
import type { DebugEnd, DebugRow } from '../protocol/debug.ts';
import type { Decision } from '../protocol/decision.ts';
import type { DebugBoard } from './debugBoard.ts';
import type { DebugOffers } from './debugOffers.ts';
import { debugRowOf, type DebugFacts } from './debugRowOf.ts';
import { DebuggedRun } from './debuggedRun.ts';
import { runsAlready } from './runsAlready.ts';

/** Time to take a job that was made for the debugger, before workers may. */
const HOLD_MS = 15_000;

/** How often an agent that waits for a job of a type looks for offers of others. */
const LOOK_FOR_OFFERS_MS = 50;

/** What has ended stays to be seen for so long. */
const KEEP_ENDED_MS = 5_000;

/** Who asked: what waits for a debugger ends with its connection. */
export interface DebugOwner {
  onClose(listener: () => void): void;
}

export interface DebugServiceOptions {
  config: Config;
  workspace: string;
  programFolder: string;
  reader: JobReader;
  enqueuing: Enqueuing;
  claim: JobClaim;
  offers: DebugOffers;
  board: DebugBoard;
  workers: () => WorkerPool | undefined;
  clock: Clock;
  logger: Logger;
  /** Rows changed: clients and other agents are told. */
  onChange: (rows: DebugRow[]) => void;
}

interface Session {
  facts: DebugFacts;
  run: DebuggedRun | undefined;
  ownerIsGone: boolean;
}

/** Runs of jobs under a debugger: takes the job, starts what it runs in, and lets one debugger in. */
export class DebugService {
  private readonly sessions = new Map<string, Session>();
  private looking: Timer | undefined;
  private closed = false;

  constructor(private readonly options: DebugServiceOptions) {}

  /**
   * Debugs one job: one that waits in its place, one that has ended as a replay.
   * @param data another payload; then it is a replay in any case
   * @throws InterlockError `conflict` for a job that runs, or can not be had now
   */
  async job(ref: JobRef, data: JsonValue | undefined, owner: DebugOwner): Promise<DebugRow> {
    const { reader } = this.options;
    const { job, queue } = await reader.find(ref.id, ref.queue);
    const state = await stateOf(job);
    const id = job.id ?? '';
    if (state === 'active') throw runsAlready(await reader.detail(id, queue));
    const type = this.typeOf(job.name);
    if (state === 'waiting-children') throw notDebuggable(id, state);
    const isReplay = data !== undefined || state === 'completed' || state === 'failed';
    if (!isReplay) {
      const of = { queue, id };
      return this.begin({ name: job.name, type, job: of, replayOf: replayOf(job.opts) }, owner);
    }
    const original = `${queue}/${id}`;
    const made = await this.hold(job.name, data ?? payloadOf(job), original);
    return this.begin({ name: job.name, type, job: made, replayOf: original }, owner);
  }

  /** Debugs a new job of a type. */
  async newJob(name: string, data: JsonValue, owner: DebugOwner): Promise<DebugRow> {
    const type = this.typeOf(name);
    const made = await this.hold(name, data, undefined);
    return this.begin({ name, type, job: made, replayOf: null }, owner);
  }

  /** Waits for the next job of a type, wherever it is enqueued and whoever takes it. */
  next(name: string, owner: DebugOwner): DebugRow {
    const type = this.typeOf(name);
    const session = this.add({ name, type, job: null, replayOf: null }, owner);
    this.lookForOffers();
    return this.rowOf(session);
  }

  /** @throws InterlockError `not_found`, `conflict` */
  attach(id: string): Promise<string> {
    const { run } = this.sessionOf(id);
    if (run === undefined) throw notDebuggable(id, 'armed');
    return run.attach();
  }

  placed(id: string, at: string): DebugRow {
    const session = this.sessionOf(id);
    session.run?.placed(at);
    return this.rowOf(session);
  }

  /** Ends the debugging. One that only waits for a job is forgotten. */
  end(id: string, how: DebugEnd): DebugRow {
    const session = this.sessionOf(id);
    if (session.run === undefined) this.sessions.delete(id);
    else session.run.finish(how);
    this.changed();
    return this.rowOf(session);
  }

  rows(): DebugRow[] {
    return [...this.sessions.values()].map((session) => this.rowOf(session));
  }

  /** What `WorkerPool` asks for each job that it takes. */
  readonly giveToDebugger = async (job: Job, token: string): Promise<boolean> => {
    const agentId = this.options.board.armedFor(job.name);
    if (agentId === undefined) return false;
    await this.options.offers.give(agentId, job, token);
    return true;
  };

  close(): void {
    this.closed = true;
    this.looking?.cancel();
    for (const { run } of this.sessions.values()) run?.release();
  }

  private async begin(facts: Omit<DebugFacts, 'id'>, owner: DebugOwner) {
    const session = this.add(facts, owner);
    await this.start(session).catch((error: unknown) => {
      this.sessions.delete(session.facts.id);
      this.changed();
      throw error;
    });
    return this.rowOf(session);
  }

  private add(facts: Omit<DebugFacts, 'id'>, owner: DebugOwner): Session {
    const id = randomUUID();
    const session: Session = {
      ...{ facts: { ...facts, id }, run: undefined, ownerIsGone: false },
    };
    this.sessions.set(id, session);
    owner.onClose(() => this.ownerLeft(session));
    this.changed();
    return session;
  }

  /** Takes its job, and runs it. */
  private async start(session: Session): Promise<void> {
    const { clock, logger, programFolder, workspace } = this.options;
    const { name, type, job } = session.facts;
    const workers = this.options.workers();
    if (workers === undefined || job === null)
      throw new Error('an agent without workers debugs nothing');
    const run = new DebuggedRun({
      // Where it stands still the agent would: what runs inside the agent is moved out.
      kind: type.isolation === 'thread' ? 'thread' : 'process',
      ...{ file: path.resolve(workspace, type.handler), jobType: name, programFolder },
      ...{ silenceMs: leaseTimesOf([type]).silenceMs, logger, clock },
      onChange: () => this.runChanged(session),
    });
    session.run = run;
    try {
      await workers.runClaimed(this.options.claim, job, runnerOf(run));
    } catch (error) {
      session.run = undefined;
      throw error;
    }
    logger.info({ action: 'debug', job_type: name, jobId: job.id }, 'run under a debugger');
    this.changed();
  }

  /** A job that workers leave alone until it is taken. */
  private async hold(type: string, data: JsonValue, original: string | undefined) {
    const decision = await this.options.enqueuing.enqueue({
      ...{ type, data, delayMs: HOLD_MS, replayOf: original },
    });
    if (decision.outcome !== 'accepted' || decision.jobId === null) throw refused(decision);
    return { queue: this.typeOf(type).queue, id: decision.jobId };
  }

  private lookForOffers(): void {
    if (this.closed || this.looking !== undefined) return;
    const armed = [...this.sessions.values()].some((one) => isArmed(one));
    if (!armed) return;
    this.looking = this.options.clock.setTimeout(() => {
      void this.takeOffers().finally(() => {
        this.looking = undefined;
        this.lookForOffers();
      });
    }, LOOK_FOR_OFFERS_MS);
  }

  private async takeOffers(): Promise<void> {
    const { offers, logger } = this.options;
    try {
      for (const { type, ...job } of await offers.take()) {
        const session = [...this.sessions.values()].find(
          (one) => isArmed(one) && one.facts.name === type,
        );
        if (session === undefined) continue;
        session.facts = { ...session.facts, job };
        await this.start(session).catch((error: unknown) => {
          // Somebody else has it by now: the next one will come.
          logger.debug({ why: messageOf(error) }, 'an offered job could not be taken');
          session.facts = { ...session.facts, job: null };
        });
      }
    } catch (error) {
      logger.debug({ why: messageOf(error) }, 'offers not read');
    }
  }

  private runChanged(session: Session): void {
    const phase = session.run?.progress.phase.kind;
    if (phase === 'left' && session.ownerIsGone) session.run?.release();
    if (phase === 'ended') {
      this.options.clock.setTimeout(() => {
        this.sessions.delete(session.facts.id);
        this.changed();
      }, KEEP_ENDED_MS);
    }
    this.changed();
  }

  private ownerLeft(session: Session): void {
    session.ownerIsGone = true;
    const phase = session.run?.progress.phase.kind;
    if (phase === undefined) this.sessions.delete(session.facts.id);
    else if (phase === 'ready' || phase === 'left') session.run?.release();
    this.changed();
  }

  private changed(): void {
    if (this.closed) return;
    const rows = this.rows();
    this.options.board.setOwn(rows);
    this.options.onChange(rows);
  }

  private rowOf({ facts, run }: Session): DebugRow {
    const { workspace, clock } = this.options;
    return debugRowOf(facts, run?.progress, path.resolve(workspace, facts.type.handler), clock);
  }

  private sessionOf(id: string): Session {
    const session = this.sessions.get(id);
    if (session !== undefined) return session;
    throw new InterlockError({
      code: 'not_found',
      message: 'This debugging has ended.',
      remedy: 'Start it anew.',
    });
  }

  private typeOf(name: string): JobTypeConfig {
    const { jobs } = this.options.config;
    const type = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    if (type !== undefined) return type;
    throw new InterlockError({
      code: 'not_found',
      message: `There is no job type "${name}" in this workspace, so there is no handler to debug.`,
      remedy: 'Declare it under "jobs" in interlock.config.json.',
    });
  }
}

const isArmed = ({ run, facts }: Session) => run === undefined && facts.job === null;

/** The debugged run as the worker sees it. */
const runnerOf = (run: DebuggedRun) => ({
  run: run.run.bind(run),
  get pausedMs() {
    return run.pausedMs;
  },
});

function notDebuggable(id: string, state: string): InterlockError {
  return new InterlockError({
    code: 'conflict',
    message: `Job ${id} is ${state} and can not be debugged now.`,
    remedy: 'Wait for its state to change.',
  });
}

function refused({ subject, key, survivor, reason }: Decision): InterlockError {
  const what = key === null || key === '*' ? subject : `${subject} [${key}]`;
  const who = survivor === null ? '' : `: job ${survivor.jobId} is ${survivor.state}`;
  return new InterlockError({
    code: 'conflict',
    message: `A job of ${what} may not come in now (${reason})${who}.`,
    remedy: 'One key, one run: wait until that job has ended, or debug that one.',
  });
}
