import type { Clock, Timer } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { CompartmentKind } from '../handlers/compartment.ts';
import { HandlerHost } from '../handlers/handlerHost.ts';
import { HandlerRun } from '../handlers/handlerRun.ts';
import type { OpenInspector } from '../handlers/openInspector.ts';
import type { RunHooks, RunRequest } from '../handlers/runner.ts';
import type { Logger } from '../logging.ts';
import type { DebugEnd } from '../protocol/debug.ts';
import { debugProgress, pausedMsAt, STARTING, type DebugEvent } from './debugSession.ts';
import { InspectorGate } from './inspectorGate.ts';

/** A handler that waits for a debugger which nobody sends goes away again. */
const ATTACH_WITHIN_MS = 30_000;

/** What a run that is told to end is given to do so. */
const STOP_WITHIN_MS = 500;

export interface DebuggedRunOptions {
  /** What it runs in. */
  kind: CompartmentKind;
  file: string;
  jobType: string;
  silenceMs: number;
  programFolder: string;
  logger: Logger;
  clock: Clock;
  /** Its progress is another now. */
  onChange: () => void;
}

/** One run in a handler process or thread of its own, under a debugger: what else runs is not touched. */
export class DebuggedRun {
  progress = STARTING;
  private host: HandlerHost | undefined;
  private gate: InspectorGate | undefined;
  private openInspector: OpenInspector | undefined;
  private attachDeadline: Timer | undefined;

  constructor(private readonly options: DebuggedRunOptions) {}

  /** How long it stood still, in ms. */
  get pausedMs(): number {
    return pausedMsAt(this.progress, this.options.clock.monotonic());
  }

  /** Starts what it runs in, and runs the job when a debugger is there. @throws as `HandlerRunner.run` */
  async run(request: RunRequest, hooks: RunHooks): Promise<JsonValue> {
    const { kind, file, jobType, silenceMs, programFolder, logger, clock } = this.options;
    const settings = { kind, file, jobType, silenceMs, programFolder, inspect: true };
    const run = new HandlerRun(1, file, request, hooks, logger);
    const events = {
      loaded: () => undefined,
      idle: () => undefined,
      ended: () => this.end(),
      inspecting: (_host: HandlerHost, open: OpenInspector) => this.waitForDebugger(open),
    };
    const limits = { loadTimeoutMs: Infinity, idleMs: Infinity };
    this.host = new HandlerHost({ ...settings, ...limits }, events, logger, clock);
    this.host.assign(run);
    // It is for this one run: it leaves when that has ended.
    this.host.retire();
    hooks.signal.addEventListener('abort', () => this.endSoon(), { once: true });
    try {
      return await run.outcome;
    } finally {
      // Neither a process nor a thread ends while a debugger looks at it.
      this.end();
    }
  }

  /**
   * The address that lets one debugger in, once.
   * @throws InterlockError `conflict` when it does not wait for one
   */
  async attach(): Promise<string> {
    const { progress, gate, openInspector } = this;
    if (progress.phase.kind !== 'ready' || gate !== undefined || openInspector === undefined)
      throw notReady();
    const { clock } = this.options;
    this.gate = new InspectorGate(openInspector, clock, {
      attached: () => {
        this.attachDeadline?.cancel();
        this.tell({ kind: 'attached' });
      },
      news: (news) => {
        const nowMs = clock.monotonic();
        if (news.kind === 'resumed') this.tell({ kind: 'resumed', nowMs });
        else this.tell({ kind: 'paused', at: news.at, nowMs });
      },
      debuggerLeft: () => this.tell({ kind: 'debugger_left' }),
      failed: (why) => this.host?.kill(givenBack(`no debugger could be attached: ${why}`)),
    });
    return this.gate.open();
  }

  /** Where it is paused, as the editor shows it. */
  placed(at: string): void {
    this.tell({ kind: 'placed', at });
  }

  /** What a person wants to become of it. */
  finish(how: DebugEnd): void {
    switch (how) {
      case 'go_on':
        this.release();
        return;
      case 'give_back':
        this.host?.kill(givenBack('the person who debugged it gave it back'));
        return;
      case 'fail':
        this.host?.kill(failedByPerson(this.options.jobType));
    }
  }

  /** Lets it go on by itself, with its inspector closed. */
  release(): void {
    if (this.progress.phase.kind === 'ready') {
      this.host?.kill(givenBack('its debugger did not come'));
      return;
    }
    this.gate?.release();
    this.host?.closeInspector();
    this.tell({ kind: 'released', nowMs: this.options.clock.monotonic() });
  }

  /** The agent leaves, or the lock is lost: a handler that stands still would not notice. */
  private endSoon(): void {
    this.release();
    const { clock } = this.options;
    clock.setTimeout(
      () => this.host?.kill(givenBack('the agent has no use for it any more')),
      STOP_WITHIN_MS,
    );
  }

  private waitForDebugger(open: OpenInspector): void {
    this.openInspector = open;
    const { clock } = this.options;
    this.attachDeadline = clock.setTimeout(() => this.release(), ATTACH_WITHIN_MS);
    this.tell({ kind: 'inspector_open' });
  }

  private end(): void {
    this.attachDeadline?.cancel();
    this.gate?.finish();
    this.tell({ kind: 'ended', nowMs: this.options.clock.monotonic() });
  }

  private tell(event: DebugEvent): void {
    const before = this.progress;
    this.progress = debugProgress(before, event);
    if (this.progress !== before) this.options.onChange();
  }
}

/** Not the handler's fault: its job goes back to its queue and keeps its attempt. */
function givenBack(why: string): InterlockError {
  return new InterlockError({
    code: 'given_back',
    message: `The run under the debugger was ended: ${why}.`,
    remedy: 'The job waits in its queue again.',
  });
}

function failedByPerson(jobType: string): InterlockError {
  return new InterlockError({
    code: 'handler_failed',
    message: `The person who debugged this run of ${jobType} ended it as failed`,
  });
}

function notReady(): InterlockError {
  return new InterlockError({
    code: 'conflict',
    message: 'This run does not wait for a debugger.',
    remedy: 'Start the debugging anew.',
  });
}
