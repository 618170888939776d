import assert from 'node:assert/strict';
import { judgeRelease } from '../../../../agent/locks/releaseRule.ts';
import { lockKind } from '../../../../agent/protocol/model.ts';
import { holder, lockRow } from '../cli/rows.ts';

const job = { queue: 'default', id: 'j7', type: 'sync' };
const live = lockRow();

describe('the rule of releasing', () => {
  it("frees a lock whose holder is dead, or that is nobody's, for the asking", () => {
    const dead = lockRow({ state: 'holder_dead', holder: holder({ alive: false }) });
    const orphan = lockRow({ state: 'orphaned', holder: null });
    for (const force of [false, true]) {
      assert.deepEqual(judgeRelease(dead, { force }), {
        ...{ allowed: true, reason: 'holder_dead', remedy: null },
      });
      assert.equal(judgeRelease(orphan, { force }).reason, 'orphaned');
    }
  });

  it('frees no other without force, whatever its age or state', () => {
    for (const state of ['held', 'expiring', 'paused'] as const) {
      for (const alive of [true, null]) {
        const row = lockRow({ state, ageMs: 5 * 3_600_000, holder: holder({ alive }) });
        const verdict = judgeRelease(row, { force: false });
        assert.deepEqual([verdict.allowed, verdict.reason], [false, 'holder_alive']);
        assert.match(
          verdict.remedy ?? '',
          /stop process 4711 on devbox, or use --force: the fencing/,
        );
      }
    }
  });

  it('says of each kind what force does, before and after', () => {
    for (const kind of lockKind.options) {
      const about = ['run', 'job', 'dedup'].includes(kind) ? { job } : { holder: null };
      const row = lockRow({ kind, ...about });
      const refused = judgeRelease(row, { force: false });
      const forced = judgeRelease(row, { force: true });
      assert.deepEqual([forced.allowed, forced.reason], [true, 'released_by_person']);
      const says = (forced.remedy ?? '').slice(1);
      assert.ok(says.length > 20 && refused.remedy?.endsWith(says), `${kind}: ${refused.remedy}`);
    }
  });

  it('frees only the holding that the person saw', () => {
    const row = lockRow({ state: 'holder_dead' });
    assert.equal(judgeRelease(row, { force: true, fence: 3 }).allowed, true);
    const other = judgeRelease(live, { force: true, fence: 2 });
    assert.deepEqual([other.allowed, other.reason], [false, 'lease_held']);
    assert.equal(judgeRelease(row, { force: true, fence: 2 }).allowed, false);
  });
});
