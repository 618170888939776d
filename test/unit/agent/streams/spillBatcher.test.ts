import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Tick } from '../../../../agent/streams/adapters/tick.ts';
import { Batcher, type Batch } from '../../../../agent/streams/pipeline/batcher.ts';
import { BufferBudget } from '../../../../agent/streams/pipeline/bufferBudget.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../harness/temporaryFolder.ts';
import { ManualClock, settle } from './manualClock.ts';
import { ticksOf } from './ticksOf.ts';

const SILENT = pino({ level: 'silent' });

const ticks = (count: number, from = 1): Tick[] =>
  Array.from({ length: count }, (_, index) => ({ symbol: 'a', price: 1, seq: from + index }));

describe('ticks that wait on disk', () => {
  let folder: TemporaryFolder;
  let clock: ManualClock;

  beforeEach(() => {
    folder = makeTemporaryFolder();
    clock = new ManualClock();
  });
  afterEach(() => folder.remove());

  const spillAt = (name: string) => path.join(folder.path, name);
  const budgetOf = (limit: number, diskBytes = 1_000_000) =>
    new BufferBudget({ ticks: limit, diskBytes });
  const filesOf = (name: string) => (existsSync(spillAt(name)) ? readdirSync(spillAt(name)) : []);
  const bytesOnDisk = (name: string) =>
    filesOf(name).reduce((sum, file) => sum + statSync(path.join(spillAt(name), file)).size, 0);

  function shard(budget: BufferBudget, name = 'one', logger = SILENT) {
    const sent: Batch[] = [];
    const state = { away: true };
    const told: [number, string][] = [];
    const batcher = new Batcher({
      ...{ maxTicks: 10, maxWaitMs: 200, lite: false, budget, spillFolder: spillAt(name) },
      ...{ clock, random: () => 0.5, logger },
      onDropped: (count, why) => void told.push([count, why]),
      send: (batch) => {
        if (state.away) return Promise.reject(new Error('Redis is away'));
        sent.push(batch);
        return Promise.resolve();
      },
    });
    const delivered = () => sent.flatMap((batch) => ticksOf(batch).map(({ seq }) => seq ?? 0));
    return { batcher, sent, state, told, delivered };
  }

  it('are those that do not fit in memory, and leave in order when Redis is back', async () => {
    const { batcher, state, delivered, sent } = shard(budgetOf(50));
    for (let from = 1; from <= 491; from += 10) batcher.add(ticks(10, from));
    await settle();
    assert.deepEqual([batcher.waiting, batcher.dropped], [500, 0]);
    assert.equal(batcher.spilled, 450);
    state.away = false;
    await clock.advance(2_000);
    assert.deepEqual(
      delivered(),
      Array.from({ length: 500 }, (_, index) => index + 1),
    );
    assert.deepEqual(
      sent.map(({ firstSeq, lastSeq }) => lastSeq - firstSeq + 1),
      sent.map((batch) => batch.count),
    );
    assert.deepEqual([batcher.waiting, batcher.spilled, batcher.dropped], [0, 0, 0]);
    assert.deepEqual(readdirSync(spillAt('one')), [], 'what was read is removed');
  });

  it('take no more room than they may: the oldest segments go, with a count', async () => {
    const budget = budgetOf(50, 10_000);
    const { batcher, state, delivered, told } = shard(budget);
    for (let from = 1; from <= 1_991; from += 10) {
      batcher.add(ticks(10, from));
      assert.ok(bytesOnDisk('one') <= 10_000);
      assert.ok(budget.ticks.used <= 50);
      if (from === 1) await settle();
    }
    assert.ok(batcher.dropped > 0);
    assert.equal(batcher.dropped + batcher.waiting, 2_000);
    const { dropped } = batcher;
    state.away = false;
    await clock.advance(20_000);
    const got = delivered();
    assert.equal(got.length, 2_000 - dropped);
    // The batch that was under way, then the newest without a hole.
    const kept = Array.from({ length: 1_990 - dropped }, (_, index) => index + 11 + dropped);
    assert.deepEqual(got, [...ticks(10).map(({ seq }) => seq), ...kept]);
    assert.equal(
      told.reduce((sum, [count]) => sum + count, 0),
      dropped,
    );
    assert.match(told[0]?.[1] ?? '', /disk buffer is full/);
  });

  it('are dropped, with a count, when the disk refuses: that is told once for all shards', async () => {
    writeFileSync(spillAt('blocked'), 'a file where a folder should be');
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const budget = budgetOf(50);
    const shards = ['x', 'y'].map((name) => shard(budget, path.join('blocked', name), logger));
    for (let from = 1; from <= 191; from += 10) {
      for (const { batcher } of shards) batcher.add(ticks(10, from));
      await clock.advance(500);
    }
    const refusals = lines.filter((line) => line.includes('the disk takes no ticks'));
    assert.equal(refusals.length, 1);
    for (const { batcher } of shards) {
      assert.equal(batcher.spilled, 0);
      assert.equal(batcher.dropped + batcher.waiting, 200);
    }
    assert.equal(budget.ticks.used, 50);
    for (const { state } of shards) state.away = false;
    await clock.advance(5_000);
    for (const { batcher, delivered } of shards) {
      assert.equal(delivered().length, 200 - batcher.dropped);
      assert.equal(delivered().at(-1), 200);
    }
  });

  it('that can not be read back are counted, and what follows is sent', async () => {
    const { batcher, state, delivered, told } = shard(budgetOf(50, 4_000));
    batcher.add(ticks(10));
    await settle();
    batcher.add(ticks(120, 11));
    const first = readdirSync(spillAt('one')).sort((a, b) => parseInt(a) - parseInt(b))[0] ?? '';
    truncateSync(path.join(spillAt('one'), first), 10);
    state.away = false;
    await clock.advance(5_000);
    assert.ok(batcher.dropped > 0);
    assert.equal(delivered().length, 130 - batcher.dropped);
    assert.match(told[0]?.[1] ?? '', /can not be read back/);
    assert.deepEqual([batcher.waiting, batcher.spilled], [0, 0]);
    assert.deepEqual(
      delivered(),
      [...delivered()].sort((a, b) => a - b),
    );
  });

  it('come back as the feed wrote them, also when it wrote them over several lines', async () => {
    const { batcher, state, sent } = shard(budgetOf(20));
    const [tick] = ticks(1);
    assert.ok(tick !== undefined);
    const json = JSON.stringify(tick, null, 2);
    for (let times = 0; times < 60; times += 1) {
      batcher.addJson(tick.symbol, tick.seq ?? NaN, Buffer.from(json));
    }
    assert.ok(batcher.spilled > 0);
    state.away = false;
    await clock.advance(5_000);
    const came = sent.flatMap((batch) => ticksOf(batch));
    assert.deepEqual(came, Array(60).fill(tick));
    assert.ok(sent.every((batch) => batch.json.includes(json) && batch.lastSeqs.get('a') === 1));
  });

  it('may be what no schema allows: nothing that an adapter makes throws', async () => {
    const { batcher, state, sent } = shard(budgetOf(20));
    const odd: Tick[] = [{ symbol: '', price: NaN }];
    for (let times = 0; times < 60; times += 1) batcher.add(odd);
    assert.ok(batcher.spilled > 0);
    const circular: Tick = { symbol: 'a', price: 1 };
    Reflect.set(circular, 'self', circular);
    for (let times = 0; times < 60; times += 1) batcher.add([circular]);
    state.away = false;
    await clock.advance(5_000);
    const count = sent.reduce((sum, batch) => sum + batch.count, 0);
    assert.equal(count + batcher.dropped, 120);
    assert.ok(count >= 60);
  });

  it('are removed, and counted, when the batcher ends', async () => {
    const { batcher, told } = shard(budgetOf(50));
    batcher.add(ticks(300));
    await settle();
    assert.ok(batcher.spilled > 0);
    const flushed = batcher.flush(1_000);
    await clock.advance(1_000);
    await flushed;
    assert.deepEqual([batcher.dropped, batcher.waiting, batcher.spilled], [300, 0, 0]);
    assert.equal(existsSync(spillAt('one')), false);
    assert.deepEqual(told, [[300, 'the stream ended: time ran out']]);
  });

  it('are sent by a flush that has the time', async () => {
    const { batcher, state, delivered } = shard(budgetOf(50));
    batcher.add(ticks(300));
    await settle();
    state.away = false;
    const flushed = batcher.flush(5_000);
    await clock.advance(5_000);
    await flushed;
    assert.deepEqual([batcher.dropped, delivered().length], [0, 300]);
    assert.equal(existsSync(spillAt('one')), false);
  });

  it('cost a shard that holds much before they cost one that holds little', async () => {
    const budget = budgetOf(40, 8_000);
    const [busy, quiet] = [shard(budget, 'busy'), shard(budget, 'quiet')];
    busy.batcher.add(ticks(400));
    quiet.batcher.add(ticks(10));
    for (let times = 0; times < 20; times += 1) busy.batcher.add(ticks(20, 401 + times * 20));
    await settle();
    assert.equal(quiet.batcher.dropped, 0);
    assert.ok(busy.batcher.dropped > 0);
    for (const { batcher } of [busy, quiet]) batcher.abandon('test');
    assert.deepEqual([budget.ticks.used, budget.diskBytes.used], [0, 0]);
  });

  it('lose none that is not counted and keep the order, whatever arrives and fails', async () => {
    const step = fc.record({
      shard: fc.nat(2),
      count: fc.nat(60),
      pauseMs: fc.nat(300),
      away: fc.boolean(),
    });
    const limits = fc.record({
      ticks: fc.integer({ min: 1, max: 80 }),
      diskBytes: fc.constantFrom(0, 100, 2_000, 8_000),
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), limits, async (steps, limit) => {
        runs += 1;
        const budget = new BufferBudget(limit);
        const shards = [0, 1, 2].map((index) => shard(budget, `${runs}-${index}`));
        const arrived = [0, 0, 0];
        for (const { shard: index, count, pauseMs, away } of steps) {
          for (const { state } of shards) state.away = away;
          shards[index]?.batcher.add(ticks(count, (arrived[index] ?? 0) + 1));
          arrived[index] = (arrived[index] ?? 0) + count;
          // One batch of each shard may come from disk when the memory is full.
          assert.ok(budget.ticks.used <= limit.ticks + 30);
          assert.ok(budget.diskBytes.used <= limit.diskBytes);
          await clock.advance(pauseMs);
        }
        for (const { state } of shards) state.away = false;
        await clock.advance(60_000);
        for (const [index, { batcher, sent, delivered }] of shards.entries()) {
          const numbers = sent.flatMap(({ firstSeq, lastSeq }) =>
            Array.from({ length: lastSeq - firstSeq + 1 }, (_, at) => firstSeq + at),
          );
          assert.deepEqual(delivered(), numbers);
          assert.ok(numbers.every((seq, at) => at === 0 || seq > (numbers[at - 1] ?? 0)));
          assert.equal(numbers.length + batcher.dropped, arrived[index]);
          assert.equal(batcher.waiting, 0);
          batcher.abandon('test');
        }
        assert.deepEqual([budget.ticks.used, budget.diskBytes.used], [0, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
