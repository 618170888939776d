import * as vscode from 'vscode';
import type { Clock, Timer } from '../../agent/common/clock.ts';
import { deferred } from '../../agent/common/deferred.ts';
import { InterlockError, messageOf } from '../../agent/common/errors.ts';
import type { AgentClient } from '../../agent/protocol/agentClient.ts';
import type { StateDelta } from '../../agent/protocol/model.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { Logger } from '../logging.ts';
import { Store, type StoreChanges } from '../model/store.ts';
import type { AgentDriver, Attempt } from './driver.ts';
import type { Problem } from './problem.ts';
import {
  initialSupervisor,
  supervise,
  type Phase,
  type SupervisorEffect,
  type SupervisorEvent,
} from './supervisor.ts';
import type { AgentTarget } from './target.ts';

/**
 * This window's side of the agent: runs what the supervisor decides, and keeps the copy of the
 * agent's state up to date.
 */
export class AgentService implements Disposable {
  readonly store = new Store();

  private readonly disposables = new DisposableStore();
  private readonly phaseEmitter = this.disposables.add(new vscode.EventEmitter<Phase>());
  private readonly rowsEmitter = this.disposables.add(new vscode.EventEmitter<StoreChanges>());
  readonly onDidChangePhase = this.phaseEmitter.event;
  readonly onDidChangeRows = this.rowsEmitter.event;

  private supervisor = initialSupervisor;
  private currentTarget: AgentTarget | undefined;
  private current: AgentClient | undefined;
  private agentLeaves = false;
  private driver: Promise<AgentDriver> | undefined;
  private timer: Timer | undefined;
  /** Raised by each effect: results of older ones are out of date. */
  private round = 0;
  private readonly firstAttempt = deferred<undefined>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Settles when the first attempt to reach an agent has ended, however it ended. */
  get ready(): Promise<void> {
    return this.firstAttempt.promise;
  }

  get phase(): Phase {
    return this.supervisor.phase;
  }

  get problem(): Problem | undefined {
    return this.phase.kind === 'failed' ? this.phase.problem : undefined;
  }

  get target(): AgentTarget | undefined {
    return this.currentTarget;
  }

  /** There is something to show, but it is from before the connection was lost. */
  get isStale(): boolean {
    return this.store.hasSnapshot && this.phase.kind !== 'connected';
  }

  /** @throws InterlockError `no_agent` when this window is not connected */
  get client(): AgentClient {
    if (this.current !== undefined && !this.current.isClosed) return this.current;
    throw new InterlockError({
      code: 'no_agent',
      message: vscode.l10n.t('No Interlock agent is running for this workspace.'),
      remedy: vscode.l10n.t('Start it with the command "Interlock: Start Agent".'),
    });
  }

  /** Which agent this is about. With another one, everything known is forgotten. */
  setTarget(target: AgentTarget | undefined): void {
    const moved = target?.stateFolder !== this.currentTarget?.stateFolder;
    this.currentTarget = target;
    if (!moved) return;
    this.round++;
    this.disconnect();
    this.supervisor = initialSupervisor;
    this.forgetRows();
    this.phaseEmitter.fire(this.phase);
  }

  dispatch(event: SupervisorEvent): void {
    if (this.disposables.isDisposed) return;
    const before = this.supervisor.phase;
    const { state, effect } = supervise(this.supervisor, event);
    this.supervisor = state;
    if (state.phase !== before) this.onPhase(event);
    if (effect !== undefined) this.run(effect);
  }

  /** For a window that has nothing to look for. */
  nothingToDo(): void {
    this.firstAttempt.resolve(undefined);
  }

  dispose(): void {
    this.round++;
    this.timer?.cancel();
    this.disconnect();
    this.firstAttempt.resolve(undefined);
    this.disposables.dispose();
  }

  private onPhase(event: SupervisorEvent): void {
    const { kind } = this.phase;
    this.log.debug(`${event.type} -> ${kind}`);
    if (this.phase.kind === 'failed') this.log.error(this.phase.problem.message);
    if (kind !== 'connected' && kind !== 'stopping') this.disconnect();
    if (kind === 'idle' || kind === 'failed') this.forgetRows();
    if (['idle', 'connected', 'failed', 'waiting'].includes(kind))
      this.firstAttempt.resolve(undefined);
    this.phaseEmitter.fire(this.phase);
  }

  private run(effect: SupervisorEffect): void {
    const round = ++this.round;
    this.timer?.cancel();
    const target = this.currentTarget;
    if (effect.type === 'startTimer') {
      this.timer = this.clock.setTimeout(
        () => this.dispatch({ type: 'timerFired' }),
        effect.delayMs,
      );
      return;
    }
    if (target === undefined) return;
    void this.perform(effect.type, target, round).catch((error: unknown) => {
      this.log.error(messageOf(error));
      if (round !== this.round) return;
      const problem: Problem = { kind: 'cannotStart', message: messageOf(error) };
      this.dispatch({ type: 'launchFailed', problem, atMs: this.clock.monotonic() });
    });
  }

  private async perform(
    effect: 'look' | 'drain' | 'launch' | 'stop',
    target: AgentTarget,
    round: number,
  ): Promise<void> {
    const driver = await this.loadDriver();
    const attempt: Attempt =
      effect === 'look' || effect === 'launch'
        ? await driver[effect](target)
        : {
            event:
              effect === 'drain' ? await driver.drain(target) : await driver.stop(this.current),
          };
    if (attempt.client !== undefined) await this.adopt(driver, attempt.client, round);
    if (round === this.round) this.dispatch(attempt.event);
  }

  /** Takes over a new connection: from here on its deltas are what the views show. */
  private async adopt(driver: AgentDriver, client: AgentClient, round: number): Promise<void> {
    if (round !== this.round) {
      client.dispose();
      return;
    }
    this.disconnect();
    this.current = client;
    this.agentLeaves = false;
    this.store.expectSnapshot();
    const snapshot = await driver.subscribe(client, {
      onDelta: (delta) => this.onDelta(driver, client, delta),
      onStopping: (reason) => {
        this.log.info(`the agent stops: ${reason}`);
        this.agentLeaves = true;
      },
      // Shown by icon and colour where it is; a message on top would only be in the way.
      onAlert: ({ kind, name, level, since }) =>
        this.log.warn(`${level}: ${kind} ${name} since ${since}`),
    });
    if (this.current !== client) return;
    this.applySnapshot(driver, client, snapshot);
    client.onClose(() => this.onClose(client));
  }

  private onClose(client: AgentClient): void {
    if (this.current !== client) return;
    this.log.info('the connection to the agent has ended');
    const cause = this.agentLeaves ? 'asked' : 'crash';
    this.current = undefined;
    this.dispatch({ type: 'connectionLost', cause, atMs: this.clock.monotonic() });
  }

  private onDelta(driver: AgentDriver, client: AgentClient, delta: StateDelta): void {
    if (this.current !== client) return;
    const outcome = this.store.apply(delta);
    if (outcome.kind === 'applied') this.rowsEmitter.fire(outcome.changes);
    if (outcome.kind === 'gap') this.resubscribe(driver, client);
  }

  private resubscribe(driver: AgentDriver, client: AgentClient): void {
    this.log.warn('a change of state is missing: asking for everything again');
    this.store.expectSnapshot();
    driver.snapshot(client).then(
      (snapshot) => {
        if (this.current === client) this.applySnapshot(driver, client, snapshot);
      },
      // Its connection has ended, which is handled where that is noticed.
      (error: unknown) => this.log.debug(messageOf(error)),
    );
  }

  private applySnapshot(
    driver: AgentDriver,
    client: AgentClient,
    snapshot: Parameters<Store['replace']>[0],
  ): void {
    const { changes, gap } = this.store.replace(snapshot);
    this.rowsEmitter.fire(changes);
    if (gap) this.resubscribe(driver, client);
  }

  private disconnect(): void {
    const client = this.current;
    this.current = undefined;
    client?.dispose();
  }

  private forgetRows(): void {
    if (this.store.hasSnapshot) this.rowsEmitter.fire(this.store.clear());
  }

  /** Sockets, schemas and processes are loaded when they are needed, not while the window opens. */
  private loadDriver(): Promise<AgentDriver> {
    this.driver ??= import('./driver.ts').then(
      ({ AgentDriver }) => new AgentDriver(this.clock, this.log),
    );
    return this.driver;
  }
}
