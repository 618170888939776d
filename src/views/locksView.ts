import type { LockKind, LockRow } from '../../agent/protocol/model.ts';
import { VIEWS } from '../contributions.ts';
import { CALM, LOCK_KIND_ORDER } from '../model/lockList.ts';
import type { StoreChanges } from '../model/store.ts';
import type { Urgency } from './changeQueue.ts';
import { NodeCache } from './nodeCache.ts';
import { LoadMoreNode } from './nodes/loadMoreNode.ts';
import { LockGroupNode } from './nodes/lockGroupNode.ts';
import { LockNode } from './nodes/lockNode.ts';
import type { ViewModel } from './treeController.ts';
import type { TreeNode, ViewData } from './treeNode.ts';

/** More of one kind become a group, which stays one until few are left: the list does not flicker. */
const GROUP_ABOVE = 12;
const UNGROUP_BELOW = 6;

const MORE_ID = 'locks/more';

/** Locks that need a person on top, then all others by kind; a kind with many is one row. */
export class LocksView implements ViewModel {
  private readonly cache = new NodeCache();
  /** These come and go with every job that is queued, so they are a group from the first one on. */
  private readonly grouped = new Set<LockKind>(['dedup']);
  private shown = '';

  constructor(private readonly data: ViewData) {}

  roots(): TreeNode[] {
    const { urgent, byKind } = this.sections();
    const calm = LOCK_KIND_ORDER.flatMap((kind) => this.kindRows(kind, byKind.get(kind) ?? []));
    const roots: TreeNode[] = [...urgent.map(({ name }) => this.lock(name)), ...calm];
    if (this.data.locks.remaining > 0) roots.push(this.loadMore());
    this.shown = this.arrangement();
    this.cache.retain(roots);
    return roots;
  }

  affected(
    changes: StoreChanges,
    tell: (node: TreeNode | undefined, urgency: Urgency) => void,
  ): void {
    for (const [name, { before, after }] of changes.locks) {
      if (before === undefined || after === undefined) {
        tell(undefined, 'calm');
        continue;
      }
      for (const id of [
        LockNode.idOf(undefined, name),
        `${LockGroupNode.idOf(after.kind)}/${name}`,
      ]) {
        const node = this.cache.find(id);
        if (node !== undefined) tell(node, 'calm');
      }
    }
    if (changes.debugs.size > 0) tell(undefined, 'now');
    const more = this.cache.find(MORE_ID);
    if (more !== undefined && changes.agent.size > 0) tell(more, 'calm');
    if (this.isOutOfOrder()) tell(undefined, 'calm');
  }

  ticking(): TreeNode[] {
    return this.cache.ticking();
  }

  /** With time alone a lock becomes so old that it belongs on top. */
  isOutOfOrder(): boolean {
    return this.arrangement() !== this.shown;
  }

  private sections(): { urgent: LockRow[]; byKind: Map<LockKind, LockRow[]> } {
    const { locks, time } = this.data;
    const nowMs = time.now();
    const urgent: LockRow[] = [];
    const byKind = new Map<LockKind, LockRow[]>();
    for (const lock of locks.rows()) {
      if (locks.urgency(lock, nowMs) < CALM) {
        urgent.push(lock);
        continue;
      }
      const ofKind = byKind.get(lock.kind) ?? [];
      ofKind.push(lock);
      byKind.set(lock.kind, ofKind);
    }
    return { urgent, byKind };
  }

  private kindRows(kind: LockKind, locks: readonly LockRow[]): TreeNode[] {
    if (locks.length > GROUP_ABOVE) this.grouped.add(kind);
    else if (locks.length < UNGROUP_BELOW && kind !== 'dedup') this.grouped.delete(kind);
    if (locks.length === 0) return [];
    if (!this.grouped.has(kind)) return locks.map(({ name }) => this.lock(name));
    const make = () => new LockGroupNode(kind, this.data, this.cache);
    return [this.cache.of(LockGroupNode.idOf(kind), LockGroupNode, make).hold(locks)];
  }

  /** What the order depends on beside the names of the locks: cheap enough to ask each second. */
  private arrangement(): string {
    const { locks, time } = this.data;
    const nowMs = time.now();
    const urgent = locks.all().flatMap((lock) => {
      const urgency = locks.urgency(lock, nowMs);
      return urgency < CALM ? [`${urgency} ${lock.name}`] : [];
    });
    return [...urgent.sort(), locks.known, locks.remaining > 0].join('\n');
  }

  private lock(name: string): LockNode {
    const make = () => new LockNode(undefined, name, this.data);
    return this.cache.of(LockNode.idOf(undefined, name), LockNode, make);
  }

  private loadMore(): LoadMoreNode {
    const make = () =>
      new LoadMoreNode(MORE_ID, VIEWS.locks, undefined, this.data.locks, this.data);
    return this.cache.of(MORE_ID, LoadMoreNode, make);
  }
}
