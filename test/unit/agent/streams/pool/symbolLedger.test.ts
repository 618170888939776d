import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Gap } from '../../../../../agent/streams/adapters/adapter.ts';
import type { Tick } from '../../../../../agent/streams/adapters/tick.ts';
import { SymbolLedger, type Accepted } from '../../../../../agent/streams/pool/symbolLedger.ts';

const NOW_MS = 1_700_000_000_000;

const tick = (symbol: string, seq?: number): Tick =>
  seq === undefined ? { symbol, price: 1 } : { symbol, price: 1, seq };
const ticks = (symbol: string, ...seqs: number[]) => seqs.map((seq) => tick(symbol, seq));
const seqsOf = ({ fresh }: Accepted) => fresh.map(({ seq }) => seq);
const gap = (symbol: string, after: number, before: number): Gap => ({
  ...{ symbol, after, before, missing: before - after - 1 },
});

describe('the account of symbols', () => {
  let ledger: SymbolLedger;
  beforeEach(() => (ledger = new SymbolLedger()));

  const accept = (...all: Tick[]) => ledger.accept(all, NOW_MS);

  describe('with one connection', () => {
    it('finds gaps, for each symbol alone', () => {
      const all = [...ticks('a', 5, 6), tick('b', 100), tick('a', 10), tick('b', 101)];
      assert.deepEqual(accept(...all).gaps, [gap('a', 6, 10)]);
      assert.deepEqual(accept(tick('b', 103)).gaps, [gap('b', 101, 103)]);
      assert.equal(ledger.gaps, 4);
      assert.deepEqual(ledger.row('a'), { ticks: 3, gaps: 3, lastTickMs: NOW_MS });
      assert.deepEqual(ledger.row('b'), { ticks: 3, gaps: 1, lastTickMs: NOW_MS });
      assert.equal(ledger.row('c'), undefined);
    });

    it('counts what comes twice, and hands it on', () => {
      assert.deepEqual(seqsOf(accept(...ticks('a', 1, 2, 2, 2, 3))), [1, 2, 2, 2, 3]);
      assert.deepEqual([ledger.duplicates, ledger.gaps, ledger.resets], [2, 0, 0]);
    });

    it('takes a feed that begins anew', () => {
      const { fresh, gaps } = accept(...ticks('a', 900, 1, 2, 4));
      assert.deepEqual([fresh.length, gaps], [4, [gap('a', 2, 4)]]);
      assert.deepEqual([ledger.resets, ledger.duplicates], [1, 0]);
    });

    it('takes ticks without numbers', () => {
      const { gaps } = accept(tick('a', 1), tick('a'), tick('a', 3), tick('b'));
      assert.deepEqual(gaps, [gap('a', 1, 3)]);
      assert.equal(ledger.row('b')?.ticks, 1);
      assert.deepEqual(ledger.lastSeqs(), { a: 3 });
    });

    it('has a short way for what comes as expected, with the same account in the end', () => {
      const step = fc.tuple(fc.constantFrom('a', 'b'), fc.option(fc.nat(3), { nil: undefined }));
      const overlaps = fc.constantFrom('begin', 'end', 'nothing', 'nothing', 'nothing');
      let short = 0;
      fc.assert(
        fc.property(fc.array(fc.tuple(step, overlaps)), (steps) => {
          const [one, other] = [new SymbolLedger(), new SymbolLedger()];
          for (const [index, [[symbol, ahead], overlap]] of steps.entries()) {
            const seq = ahead === undefined ? undefined : Math.floor(index / 2) + ahead;
            const isTaken = one.acceptNext(symbol, seq ?? NaN, NOW_MS + index);
            const expected = other.accept([tick(symbol, seq)], NOW_MS + index);
            if (isTaken) short += 1;
            else assert.deepEqual(one.accept([tick(symbol, seq)], NOW_MS + index), expected);
            if (isTaken) assert.deepEqual(expected, { fresh: [tick(symbol, seq)], gaps: [] });
            for (const ledger of overlap === 'nothing' ? [] : [one, other]) {
              if (overlap === 'begin') ledger.beginOverlap();
              else ledger.endOverlap(NOW_MS + index);
            }
          }
          assert.deepEqual(one, other);
        }),
      );
      assert.ok(short > 10, `${short} ticks on the short way`);
    });

    it('drops nothing, whatever comes: the same array comes back', () => {
      const any = fc.array(
        fc
          .tuple(fc.constantFrom('a', 'b', '__proto__'), fc.option(fc.nat(9), { nil: undefined }))
          .map(([symbol, seq]) => tick(symbol, seq)),
      );
      fc.assert(
        fc.property(fc.array(any), (frames) => {
          const one = new SymbolLedger();
          for (const frame of frames) assert.equal(one.accept(frame, NOW_MS).fresh, frame);
        }),
      );
    });

    it('passes further symbols without an account, so that the memory stays bounded', () => {
      const all = Array.from({ length: 100_001 }, (_, index) => tick(`s${index}`, 1));
      assert.equal(ledger.accept(all, NOW_MS).fresh, all);
      assert.equal(ledger.row('s99999')?.ticks, 1);
      assert.equal(ledger.row('s100000'), undefined);
      assert.equal(accept(tick('s100000', 9)).gaps.length, 0);
    });

    it('forgets symbols that are subscribed no more', () => {
      accept(tick('a', 1), tick('b', 1));
      ledger.forget(['a']);
      assert.equal(ledger.row('a'), undefined);
      assert.deepEqual(accept(tick('a', 9), tick('b', 9)).gaps, [gap('b', 1, 9)]);
    });
  });

  describe('with two connections', () => {
    it('hands on once what both bring', () => {
      accept(...ticks('a', 1, 2));
      ledger.beginOverlap();
      assert.deepEqual(seqsOf(accept(...ticks('a', 2, 3))), [3]);
      assert.deepEqual(seqsOf(accept(...ticks('a', 3, 4, 5))), [4, 5]);
      assert.deepEqual(ledger.endOverlap(NOW_MS), { fresh: [], gaps: [] });
      assert.deepEqual([ledger.repeated, ledger.duplicates], [2, 0]);
      assert.deepEqual(ledger.row('a'), { ticks: 5, gaps: 0, lastTickMs: NOW_MS });
    });

    it('waits for the one that is behind, and keeps the order', () => {
      accept(...ticks('a', 1));
      ledger.beginOverlap();
      assert.deepEqual(seqsOf(accept(...ticks('a', 4, 5))), []);
      assert.deepEqual(seqsOf(accept(...ticks('a', 2))), [2]);
      const { fresh, gaps } = accept(...ticks('a', 3));
      assert.deepEqual([fresh.map(({ seq }) => seq), gaps], [[3, 4, 5], []]);
    });

    it('tells at the end what neither brought', () => {
      accept(...ticks('a', 1));
      ledger.beginOverlap();
      accept(...ticks('a', 3, 6));
      accept(...ticks('a', 6, 4));
      const { fresh, gaps } = ledger.endOverlap(NOW_MS);
      assert.deepEqual(
        fresh.map(({ seq }) => seq),
        [3, 4, 6],
      );
      assert.deepEqual(gaps, [gap('a', 1, 3), gap('a', 4, 6)]);
      assert.equal(ledger.gaps, 2);
    });

    it('holds no tick for longer than 2 s', () => {
      accept(...ticks('a', 1));
      ledger.beginOverlap();
      accept(...ticks('a', 3));
      assert.deepEqual(seqsOf(ledger.accept(ticks('b', 1), NOW_MS + 1_999)), []);
      const { fresh, gaps } = ledger.accept([tick('c')], NOW_MS + 2_000);
      assert.deepEqual(
        fresh.map(({ symbol }) => symbol),
        ['a', 'b', 'c'],
      );
      assert.deepEqual(gaps, [gap('a', 1, 3)]);
    });

    it('holds at most 10,000 ticks', () => {
      accept(...ticks('a', 1));
      ledger.beginOverlap();
      const early = Array.from({ length: 10_000 }, (_, index) => tick('a', index + 3));
      assert.equal(accept(...early).fresh.length, 0);
      const { fresh, gaps } = accept(tick('a', 20_000));
      assert.equal(fresh.length, 10_001);
      assert.deepEqual(gaps, [gap('a', 1, 3), gap('a', 10_002, 20_000)]);
    });

    it('knows from another agent what was handed on', () => {
      ledger.beginOverlap({ a: 7, b: 2 });
      const { fresh, gaps } = accept(...ticks('a', 6, 7, 8), ...ticks('b', 4));
      assert.deepEqual([fresh, gaps], [[tick('a', 8)], []]);
      assert.deepEqual(ledger.endOverlap(NOW_MS), {
        fresh: [tick('b', 4)],
        gaps: [gap('b', 2, 4)],
      });
      assert.deepEqual(ledger.lastSeqs(), { a: 8, b: 4 });
    });

    it('never goes back to lower numbers of another agent', () => {
      accept(...ticks('a', 9));
      ledger.beginOverlap({ a: 7 });
      assert.deepEqual(seqsOf(accept(...ticks('a', 8, 9, 10))), [10]);
    });

    it('passes ticks without numbers', () => {
      ledger.beginOverlap();
      assert.equal(accept(tick('a'), tick('a')).fresh.length, 2);
    });

    it('drops what the one that is left repeats, until something new comes', () => {
      accept(...ticks('a', 1, 2, 3, 4));
      ledger.beginOverlap();
      ledger.endOverlap(NOW_MS);
      assert.deepEqual(seqsOf(accept(...ticks('a', 2, 3, 4, 5))), [5]);
      assert.deepEqual(seqsOf(accept(...ticks('a', 1))), [1], 'from here on the feed began anew');
      assert.deepEqual([ledger.repeated, ledger.resets], [3, 1]);
    });

    it('takes a feed that begins anew 5 s after the overlap', () => {
      accept(...ticks('a', 900));
      ledger.beginOverlap();
      ledger.endOverlap(NOW_MS);
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 1), NOW_MS + 4_999)), []);
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 2), NOW_MS + 5_000)), [2]);
    });

    it('takes a feed that begins anew during an overlap, 5 s after the last new tick', () => {
      accept(...ticks('a', 900));
      ledger.beginOverlap();
      accept(...ticks('b', 7, 8), ...ticks('a', 902));
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 1), NOW_MS + 1_999)), []);
      const { fresh } = ledger.accept(ticks('a', 2), NOW_MS + 2_000);
      assert.deepEqual(
        fresh.map(({ seq }) => seq),
        [902, 7, 8],
      );
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 3), NOW_MS + 6_999)), []);
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 902), NOW_MS + 7_000)), [], 'the last one');
      assert.deepEqual(seqsOf(ledger.accept(ticks('a', 4, 5), NOW_MS + 7_000)), [4, 5]);
      assert.deepEqual([ledger.resets, ledger.repeated], [1, 4]);
    });

    it('hands on what it held before a feed that begins anew', () => {
      accept(...ticks('a', 900));
      ledger.beginOverlap();
      const early = ledger.accept(ticks('a', 902), NOW_MS + 4_999);
      const { fresh, gaps } = ledger.accept(ticks('a', 1, 2), NOW_MS + 5_000);
      assert.deepEqual([seqsOf(early), fresh.map(({ seq }) => seq)], [[], [902, 1, 2]]);
      assert.deepEqual(gaps, [gap('a', 900, 902)]);
    });

    it('forgets what it held of a symbol that is subscribed no more', () => {
      ledger.beginOverlap();
      accept(...ticks('a', 1, 2), ...ticks('b', 1));
      ledger.forget(['a']);
      assert.deepEqual(ledger.endOverlap(NOW_MS).fresh, [tick('b', 1)]);
    });

    it('holds for 2 s also after it forgot what it held before', () => {
      ledger.beginOverlap();
      accept(...ticks('a', 1));
      ledger.forget(['a']);
      assert.deepEqual(seqsOf(ledger.accept(ticks('b', 1), NOW_MS + 1_500)), []);
      assert.deepEqual(seqsOf(ledger.accept(ticks('b', 2), NOW_MS + 2_500)), []);
    });

    it('ends an overlap once', () => {
      assert.deepEqual(ledger.endOverlap(NOW_MS), { fresh: [], gaps: [] });
    });
  });

  it('of two connections that say one thing, in any order, hands on each tick once and in order', () => {
    fc.assert(
      fc.property(twoConnections, ({ tails, frames }) => {
        const { handedOn, gaps } = play(frames);
        assert.deepEqual(gaps, []);
        for (const [symbol, { from, to }] of tails) {
          assert.deepEqual(handedOn.get(symbol) ?? [], range(from, to), symbol);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('tells exactly the numbers that neither of them brought in an overlap', () => {
    const lossy = twoConnections.chain(({ frames }) =>
      fc.infiniteStream(fc.nat(3)).map((dice): Step[] => {
        const parts = frames.flatMap((one) => (one.type === 'frame' ? [thinned(one, dice)] : []));
        return [{ type: 'begin' }, ...parts, { type: 'end' }];
      }),
    );
    fc.assert(
      fc.property(lossy, (frames) => {
        const { handedOn, gaps } = play(frames);
        for (const symbol of SYMBOLS) {
          const brought = frames.flatMap((one) => (one.type === 'frame' ? one.ticks : []));
          const seqs = brought.flatMap((one) => (one.symbol === symbol ? [one.seq ?? 0] : []));
          const there = [...new Set(seqs)].sort((a, b) => a - b);
          assert.deepEqual(handedOn.get(symbol) ?? [], there, symbol);
          const missing = range(there[0] ?? 1, there.at(-1) ?? 0).length - there.length;
          const told = gaps.filter((one) => one.symbol === symbol);
          assert.equal(
            told.reduce((sum, one) => sum + one.missing, 0),
            missing,
            symbol,
          );
        }
      }),
      { numRuns: 400 },
    );
  });
});

const SYMBOLS = ['a', 'b', 'c'];

type Step = { type: 'frame'; ticks: Tick[] } | { type: 'begin' } | { type: 'end' };

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** Numbers of one symbol: what the old connection says, and the new one from somewhere before its end. */
const tail = fc
  .record({ first: fc.nat(5), old: fc.nat(8), overlap: fc.nat(8), fresh: fc.nat(8) })
  .map(({ first, old, overlap, fresh }) => {
    const oldEnd = first + old + overlap;
    return {
      from: first,
      to: oldEnd + fresh,
      old: [first, oldEnd],
      fresh: [first + old + 1, oldEnd + fresh],
    };
  });

/**
 * Two connections in any order: first the old one alone, then both, then the new one alone, which
 * may have everything that it shares with the old one still before it.
 */
const twoConnections = fc
  .record({ all: fc.tuple(tail, tail, tail), dice: fc.infiniteStream(fc.nat(99)) })
  .map(({ all, dice }) => {
    const roll = (sides: number) => (dice.next().value ?? 0) % sides;
    const old = woven(
      all.map(({ old: [from = 0, to = 0] }, i) => ticks(SYMBOLS[i] ?? '', ...range(from, to))),
      roll,
    );
    const fresh = woven(
      all.map(({ fresh: [from = 0, to = 0] }, i) => ticks(SYMBOLS[i] ?? '', ...range(from, to))),
      roll,
    );
    const before = old.splice(0, roll(old.length + 1));
    const after = fresh.splice(roll(fresh.length + 1));
    const frames: Step[] = [
      ...framed(before, roll),
      { type: 'begin' },
      ...framed(woven([old, fresh], roll), roll),
      { type: 'end' },
      ...framed(after, roll),
    ];
    const tails = new Map(all.map(({ from, to }, i) => [SYMBOLS[i] ?? '', { from, to }]));
    return { tails, frames };
  });

/** Some lists as one, each in its own order. */
function woven(lists: Tick[][], roll: (sides: number) => number): Tick[] {
  const left = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const all: Tick[] = [];
  while (left.length > 0) {
    const at = roll(left.length);
    const next = left[at]?.shift();
    if (next !== undefined) all.push(next);
    if (left[at]?.length === 0) left.splice(at, 1);
  }
  return all;
}

function framed(all: Tick[], roll: (sides: number) => number): Step[] {
  const rest = [...all];
  const frames: Step[] = [];
  while (rest.length > 0) frames.push({ type: 'frame', ticks: rest.splice(0, 1 + roll(4)) });
  return frames;
}

/** Some ticks get lost on the way. */
function thinned({ ticks: all }: { ticks: Tick[] }, dice: fc.Stream<number>): Step {
  return { type: 'frame', ticks: all.filter(() => dice.next().value !== 0) };
}

function play(steps: readonly Step[]): { handedOn: Map<string, number[]>; gaps: Gap[] } {
  const ledger = new SymbolLedger();
  const handedOn = new Map<string, number[]>();
  const gaps: Gap[] = [];
  const take = (accepted: Accepted) => {
    gaps.push(...accepted.gaps);
    for (const { symbol, seq = 0 } of accepted.fresh) {
      handedOn.set(symbol, [...(handedOn.get(symbol) ?? []), seq]);
    }
  };
  for (const step of steps) {
    if (step.type === 'begin') ledger.beginOverlap();
    else if (step.type === 'end') take(ledger.endOverlap(NOW_MS));
    else take(ledger.accept(step.ticks, NOW_MS));
  }
  return { handedOn, gaps };
}
