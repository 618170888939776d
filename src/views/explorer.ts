import * as vscode from 'vscode';
import type { Clock } from '../../agent/common/clock.ts';
import type { JobRow } from '../../agent/protocol/model.ts';
import type { TreeRow } from '../api.ts';
import type { AgentService } from '../connection/agentService.ts';
import type { ContextKeys } from '../context.ts';
import { VIEWS, type ViewId } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { DecisionFilter } from '../model/decisionList.ts';
import { describeFilter } from '../present/decisionText.ts';
import { joined } from '../present/jobText.ts';
import { DecisionsView } from './decisionsView.ts';
import { JobsView } from './jobsView.ts';
import { LocksView } from './locksView.ts';
import { SchedulesView } from './schedulesView.ts';
import { StreamsView } from './streamsView.ts';
import { TreeController, type ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

/** The five views of the container, kept up to date. */
export class Explorer implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly controllers: ReadonlyMap<string, TreeController>;
  private readonly jobs: JobsView;
  private shownAsStale = false;

  constructor(
    private readonly agent: AgentService,
    private readonly data: ViewData,
    private readonly context: ContextKeys,
    clock: Clock,
  ) {
    this.jobs = new JobsView(data);
    this.controllers = new Map(
      viewModels(data, this.jobs).map(([viewId, model]) => [
        viewId,
        this.disposables.add(new TreeController(viewId, model, clock)),
      ]),
    );
    this.disposables.add(
      agent.onDidChangeRows((changes) => {
        for (const controller of this.controllers.values()) controller.onChanges(changes);
      }),
    );
    this.disposables.add(agent.onDidChangePhase(() => this.showStaleness()));
  }

  rows(viewId: string): TreeRow[] {
    return this.controllers.get(viewId)?.rows() ?? [];
  }

  selection(viewId: string): string[] {
    return this.controllers.get(viewId)?.selection() ?? [];
  }

  /** Redraws a row of a view, or the whole view. */
  redraw(viewId: ViewId, node: TreeNode | undefined): void {
    this.controllers.get(viewId)?.redraw(node);
  }

  /** Selects a job that is known here. */
  async revealJob(job: JobRow): Promise<void> {
    await this.controllers.get(VIEWS.jobs)?.reveal(this.jobs.nodeOf(job));
  }

  /** Shows only the decisions of this filter; an empty one shows all. */
  filterDecisions(filter: DecisionFilter): void {
    this.data.decisions.setFilter(filter);
    this.context.set('interlock.decisionsFiltered', this.data.decisions.isFiltered);
    this.describeViews();
    this.redraw(VIEWS.decisions, undefined);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private showStaleness(): void {
    const stale = this.agent.isStale;
    if (stale === this.shownAsStale) return;
    this.shownAsStale = stale;
    this.describeViews();
    for (const controller of this.controllers.values()) controller.refresh();
  }

  private describeViews(): void {
    const note = this.shownAsStale ? vscode.l10n.t('reconnecting…') : '';
    for (const [viewId, { view }] of this.controllers) {
      const filter = viewId === VIEWS.decisions ? describeFilter(this.data.decisions.filter) : '';
      view.description = joined([filter, note]);
    }
  }
}

function viewModels(data: ViewData, jobs: JobsView): [ViewId, ViewModel][] {
  return [
    [VIEWS.streams, new StreamsView(data)],
    [VIEWS.jobs, jobs],
    [VIEWS.schedules, new SchedulesView(data)],
    [VIEWS.locks, new LocksView(data)],
    [VIEWS.decisions, new DecisionsView(data)],
  ];
}
