import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTick } from '../../../../../agent/streams/adapters/tick.ts';
import { TickScanner } from '../../../../../agent/streams/adapters/tickScanner.ts';

const RUNS = 3_000;

interface Facts {
  symbol: string;
  seq: number | undefined;
  ts: number | string | undefined;
}

function scanned(scanner: TickScanner, text: string): Facts | undefined {
  if (!scanner.scan(Buffer.from(text))) return undefined;
  const { symbol, seq, ts, tsText } = scanner;
  const number = (value: number) => (Number.isNaN(value) ? undefined : value);
  return { symbol, seq: number(seq), ts: tsText ?? number(ts) };
}

/** What JSON.parse and the check of ticks make of it. */
function parsed(text: string): Facts | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isTick(value)) return undefined;
    return { symbol: value.symbol, seq: value.seq, ts: value.ts };
  } catch {
    return undefined;
  }
}

/** What it takes, JSON.parse takes too, and reads the same; what it leaves may be anything. */
function checkAgainstJson(scanner: TickScanner, text: string): boolean {
  const facts = scanned(scanner, text);
  if (facts === undefined) return false;
  assert.deepEqual(facts, parsed(text), text);
  return true;
}

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r');
const text = fc.oneof(
  fc.string({ unit: 'grapheme-ascii' }).map((value) => JSON.stringify(value)),
  fc.string().map((value) => JSON.stringify(value)),
  fc.constantFrom('"NSE:TCS"', '""', '"a\\u0062"', '"é"', '"x', '"\n"'),
);
const number = fc.oneof(
  fc.double().map((value) => JSON.stringify(value)),
  fc.integer().map((value) => JSON.stringify(value)),
  fc.maxSafeNat().map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '0',
    '-0',
    '007',
    '1.',
    '.5',
    '1e3',
    '1e999',
    '-',
    '9007199254740993',
    '1'.repeat(50),
  ),
);
const value = fc.oneof(
  text,
  number,
  fc.constantFrom('true', 'false', 'null', 'nul', '[]', '{"a":1}', '[1,2', ''),
);
const name = fc.oneof(
  fc.constantFrom('"symbol"', '"price"', '"seq"', '"ts"', '"vol"', '"symbo\\u006c"', '"p"', 'x'),
  text,
);
const member = fc
  .tuple(space, name, space, fc.oneof(value, number, text), space)
  .map(([a, key, b, content, c]) => `${a}${key}${b}:${b}${content}${c}`);
/** Mostly what feeds send, so that not every frame is left for its strangest part. */
const known = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom('"A"', '"NSE:TCS"') }, text),
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom('1', '-2.50', '0.001') }, number),
    fc.oneof({ weight: 5, arbitrary: fc.constantFrom('"seq":7', '"v":true') }, member),
  )
  .map(([symbol, price, more]) => [`"symbol":${symbol}`, `"price":${price}`, more]);
const object = fc
  .tuple(known, fc.array(member, { maxLength: 2 }), fc.constantFrom('', '', '', ',', 'x', '{}'))
  .chain(([must, more, tail]) =>
    fc
      .shuffledSubarray([...must, ...more], { minLength: 2 })
      .map((members) => `{${members.join(',')}}${tail}`),
  );

describe('the scanner of ticks', () => {
  it('takes nothing that JSON.parse would not take, and reads the same in it', () => {
    const scanner = new TickScanner();
    let taken = 0;
    fc.assert(
      fc.property(object, (frame) => {
        if (checkAgainstJson(scanner, frame)) taken += 1;
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 20, `${taken} of ${RUNS} taken: the others prove little`);
  });

  it('takes nothing else of a frame that was damaged by a byte', () => {
    const scanner = new TickScanner();
    const frame = '{"symbol":"NSE:TCS","price":3500.5,"seq":4,"ts":1700000000000,"buy":true}';
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.nat(127), (at, code) => {
        const damaged = frame.slice(0, at) + String.fromCharCode(code) + frame.slice(at + 1);
        checkAgainstJson(scanner, damaged);
        checkAgainstJson(scanner, frame.slice(0, at));
      }),
      { numRuns: RUNS },
    );
  });

  const TAKEN: [string, string, Facts][] = [
    ['a tick', '{"symbol":"a","price":1,"seq":4,"ts":5}', { symbol: 'a', seq: 4, ts: 5 }],
    [
      'no number, no time',
      '{"symbol":"a","price":-1.50}',
      { symbol: 'a', seq: undefined, ts: undefined },
    ],
    ['space', ' {\n"price" : 1 ,\t"symbol":"a"} ', { symbol: 'a', seq: undefined, ts: undefined }],
    [
      'a time as text',
      '{"symbol":"a","price":1,"ts":"2026-01-01T00:00:00Z"}',
      { symbol: 'a', seq: undefined, ts: '2026-01-01T00:00:00Z' },
    ],
    [
      'a time with a fraction',
      '{"symbol":"a","price":1,"ts":1700000000.25}',
      { symbol: 'a', seq: undefined, ts: 1_700_000_000.25 },
    ],
    [
      'a time in ns',
      '{"symbol":"a","price":1,"ts":1700000000000000123}',
      { symbol: 'a', seq: undefined, ts: 1_700_000_000_000_000_000 },
    ],
    [
      'other fields',
      '{"symbol":"a","price":1,"name":"é","b":true,"n":null,"v":0.5}',
      { symbol: 'a', seq: undefined, ts: undefined },
    ],
  ];
  for (const [what, frame, facts] of TAKEN) {
    it(`takes ${what}`, () => assert.deepEqual(scanned(new TickScanner(), frame), facts));
  }

  const LEFT = [
    '',
    '{}',
    '[{"symbol":"a","price":1}]',
    '{"symbol":"a"}',
    '{"price":1}',
    '{"symbol":"","price":1}',
    '{"symbol":"a","price":"1"}',
    '{"symbol":"a","price":1,"seq":1.5}',
    '{"symbol":"a","price":1,"seq":-1}',
    '{"symbol":"a","price":1,"seq":null}',
    '{"symbol":"a","price":1,"symbol":"b"}',
    '{"symbol":"a","price":1,"ts":1,"ts":"x"}',
    '{"symbol":"a","price":1,"o":{"p":1}}',
    '{"symbol":"a","price":1,"l":[1]}',
    '{"symbol":"\\u0061","price":1}',
    '{"symbol":"é","price":1}',
    '{"symbol":"a","price":1e2}',
    '{"symbol":"a","price":01}',
    '{"symbol":"a","price":1,}',
    '{"symbol":"a","price":1}x',
    '{"symbol":"a","price":1',
    '\ufeff{"symbol":"a","price":1}',
  ];
  for (const frame of LEFT) {
    it(`leaves ${JSON.stringify(frame)} to JSON.parse`, () =>
      assert.equal(scanned(new TickScanner(), frame), undefined));
  }

  it('forgets the tick before', () => {
    const scanner = new TickScanner();
    scanned(scanner, '{"symbol":"a","price":1,"seq":4,"ts":"x"}');
    const facts = { symbol: 'b', seq: undefined, ts: undefined };
    assert.deepEqual(scanned(scanner, '{"symbol":"b","price":1}'), facts);
  });
});
