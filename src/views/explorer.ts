import * as vscode from 'vscode';
import type { Clock } from '../../agent/common/clock.ts';
import type { TreeRow } from '../api.ts';
import type { AgentService } from '../connection/agentService.ts';
import { VIEWS, type ViewId } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import { newestDecisions, sortedByName } from '../model/selectors.ts';
import { JobsView } from './jobsView.ts';
import { ListView } from './listView.ts';
import { DecisionNode } from './nodes/decisionNode.ts';
import { LockNode } from './nodes/lockNode.ts';
import { ScheduleNode } from './nodes/scheduleNode.ts';
import { StreamsView } from './streamsView.ts';
import { TreeController, type ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

/** The five views of the container, kept up to date. */
export class Explorer implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly controllers: ReadonlyMap<string, TreeController>;
  private shownAsStale = false;

  constructor(
    private readonly agent: AgentService,
    data: ViewData,
    clock: Clock,
  ) {
    this.controllers = new Map(
      viewModels(data).map(([viewId, model]) => [
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

  /** Redraws a row in whichever view it is. */
  redraw(viewId: ViewId, node: TreeNode): void {
    this.controllers.get(viewId)?.redraw(node);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private showStaleness(): void {
    const stale = this.agent.isStale;
    if (stale === this.shownAsStale) return;
    this.shownAsStale = stale;
    const note = stale ? vscode.l10n.t('reconnecting…') : '';
    for (const controller of this.controllers.values()) {
      controller.view.description = note;
      controller.refresh();
    }
  }
}

function viewModels(data: ViewData): [ViewId, ViewModel][] {
  const { store } = data;
  const schedules = new ListView({
    collection: 'schedules',
    kind: ScheduleNode,
    keys: () => sortedByName(store.rows('schedules')).map(({ name }) => name),
    idOf: (key) => ScheduleNode.idOf(key),
    make: (key) => new ScheduleNode(key, data),
  });
  const locks = new ListView({
    collection: 'locks',
    kind: LockNode,
    keys: () => sortedByName(store.rows('locks')).map(({ name }) => name),
    idOf: (key) => LockNode.idOf(key),
    make: (key) => new LockNode(key, data),
  });
  const decisions = new ListView({
    collection: 'decisions',
    kind: DecisionNode,
    keys: () => newestDecisions(store.rows('decisions')).map(({ id }) => id),
    idOf: (key) => DecisionNode.idOf(key),
    make: (key) => new DecisionNode(key, data),
  });
  return [
    [VIEWS.streams, new StreamsView(data)],
    [VIEWS.jobs, new JobsView(data)],
    [VIEWS.schedules, schedules],
    [VIEWS.locks, locks],
    [VIEWS.decisions, decisions],
  ];
}
