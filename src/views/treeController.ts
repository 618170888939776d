import * as vscode from 'vscode';
import type { Clock, Timer } from '../../agent/common/clock.ts';
import type { TreeRow } from '../api.ts';
import type { ViewId } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { StoreChanges } from '../model/store.ts';
import { ChangeQueue, type Urgency } from './changeQueue.ts';
import type { TreeNode } from './treeNode.ts';

const TICK_MS = 1_000;
/** Of more rows, ages tick more rarely: what is redrawn each second stays bounded. */
const TICKING_ROWS = 300;
/** A row that is redrawn more often can not be read, and its buttons miss clicks. */
const CALM_ROW_MS = 1_000;
/**
 * The editor reads everything below an open row again: it shows a progress bar meanwhile, and a
 * command on a row below may not find its row. So the higher the row, the rarer.
 */
const CALM_BRANCH_MS = 2_000;
const CALM_ROOT_MS = 5_000;

/** What one view shows, and which of its rows a change concerns. */
export interface ViewModel {
  roots(): TreeNode[];
  /** Tells each row that a change concerns; `undefined` is the list of roots. */
  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void;
  /** Nodes whose rows change with time alone. */
  ticking(): TreeNode[];
  /** With time alone the list of roots became another one. */
  isOutOfOrder?(): boolean;
}

/**
 * One tree view: dispatches to its nodes, redraws only rows that changed, and does nothing at all
 * while it is hidden.
 */
export class TreeController implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly view: vscode.TreeView<TreeNode>;

  private readonly disposables = new DisposableStore();
  private readonly changeEmitter = this.disposables.add(
    new vscode.EventEmitter<TreeNode[] | undefined>(),
  );
  readonly onDidChangeTreeData = this.changeEmitter.event;

  private readonly queue: ChangeQueue<TreeNode>;
  /** What each ticking row said last: only a row that says something else is redrawn. */
  private readonly saidByNode = new WeakMap<TreeNode, string>();
  private readonly open = new WeakSet<TreeNode>();
  private ticker: Timer | undefined;
  private tickMs = TICK_MS;

  constructor(
    viewId: ViewId,
    private readonly model: ViewModel,
    private readonly clock: Clock,
  ) {
    this.queue = new ChangeQueue(
      clock,
      (node) => this.calmMs(node),
      (changed) => this.changeEmitter.fire(changed),
    );
    this.view = this.disposables.add(
      vscode.window.createTreeView<TreeNode>(viewId, {
        treeDataProvider: this,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.disposables.add(this.view.onDidChangeVisibility(({ visible }) => this.onVisible(visible)));
    this.disposables.add(this.view.onDidExpandElement(({ element }) => this.open.add(element)));
    this.disposables.add(
      this.view.onDidCollapseElement(({ element }) => this.open.delete(element)),
    );
    if (this.view.visible) this.startTicking();
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    const item = node.render();
    item.id = node.id;
    if (node.ticks) this.saidByNode.set(node, node.saysNow?.() ?? textOf(item));
    return item;
  }

  getChildren(node?: TreeNode): TreeNode[] | Promise<TreeNode[]> {
    if (node === undefined) return this.model.roots();
    // Also rows that are open from the start, of which no event tells.
    this.open.add(node);
    return node.prepare?.()?.then(() => node.children()) ?? node.children();
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return node.parent;
  }

  /** What is shown, row by row. */
  rows(): TreeRow[] {
    return this.model.roots().map(rowOf);
  }

  onChanges(changes: StoreChanges): void {
    if (!this.view.visible) return;
    this.model.affected(changes, (node, urgency) => this.queue.add(node, urgency));
  }

  /** Redraws everything: it became, or is no longer, out of date. */
  refresh(): void {
    if (this.view.visible) this.queue.add(undefined, 'now');
  }

  /** @param node undefined for the whole view */
  redraw(node: TreeNode | undefined): void {
    this.queue.add(node, 'now');
  }

  /** Shows the view with this row selected. */
  async reveal(node: TreeNode): Promise<void> {
    await this.view.reveal(node, { select: true, focus: true });
  }

  /** Ids of the selected rows. */
  selection(): string[] {
    return this.view.selection.map(({ id }) => id);
  }

  dispose(): void {
    this.stopTicking();
    this.queue.clear();
    this.disposables.dispose();
  }

  private calmMs(node: TreeNode | undefined): number {
    if (node === undefined || !this.open.has(node)) return CALM_ROW_MS;
    return node.parent === undefined ? CALM_ROOT_MS : CALM_BRANCH_MS;
  }

  private onVisible(visible: boolean): void {
    this.queue.clear();
    if (!visible) {
      this.stopTicking();
      return;
    }
    // Whatever changed while it was hidden is read now.
    this.changeEmitter.fire(undefined);
    this.startTicking();
  }

  private startTicking(): void {
    this.stopTicking();
    this.ticker = this.clock.setTimeout(() => {
      this.tick();
      this.startTicking();
    }, this.tickMs);
  }

  private stopTicking(): void {
    this.ticker?.cancel();
    this.ticker = undefined;
  }

  private tick(): void {
    const drawn = this.model.ticking().filter((node) => this.isDrawn(node));
    for (const node of drawn) {
      const says = node.saysNow?.() ?? textOf(node.render());
      if (says !== this.saidByNode.get(node)) this.queue.add(node, 'calm');
    }
    this.tickMs = TICK_MS * Math.max(1, Math.ceil(drawn.length / TICKING_ROWS));
    if (this.model.isOutOfOrder?.() === true) this.queue.add(undefined, 'calm');
  }

  private isDrawn(node: TreeNode): boolean {
    const { parent } = node;
    return this.saidByNode.has(node) && (parent === undefined || this.open.has(parent));
  }
}

function textOf(item: vscode.TreeItem): string {
  return `${labelOf(item)}\n${descriptionOf(item)}`;
}

function rowOf(node: TreeNode): TreeRow {
  const item = node.render();
  return {
    id: node.id,
    label: labelOf(item),
    description: descriptionOf(item),
    contextValue: item.contextValue ?? '',
    icon: iconOf(item),
    children: node.children().map(rowOf),
  };
}

function labelOf(item: vscode.TreeItem): string {
  return typeof item.label === 'object' ? item.label.label : (item.label ?? '');
}

/** `warning testing.iconFailed`: the sign and its colour. */
function iconOf({ iconPath }: vscode.TreeItem): string {
  if (!(iconPath instanceof vscode.ThemeIcon)) return '';
  return [iconPath.id, iconPath.color?.id ?? ''].join(' ').trim();
}

function descriptionOf(item: vscode.TreeItem): string {
  return typeof item.description === 'string' ? item.description : '';
}
