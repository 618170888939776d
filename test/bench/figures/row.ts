import { figuresOf, type Comparison } from '../comparison.ts';
import { quantile } from '../statistics.ts';

/** One line of the table. */
export interface Row {
  figure: string;
  bar: string;
  measured: string;
  peer: string;
  ratio: string;
  verdict: 'met' | 'MISSED' | 'for information' | 'not measured';
  /** What the figure does not say by itself; for a miss, the reason. */
  note: string;
}

const perSecond = (rate: number) =>
  `${Math.round(rate).toLocaleString('en-US', { maximumSignificantDigits: 3 })}/s`;

/**
 * A rate against a peer's.
 * @param atLeast the ratio to reach; undefined: for information
 * @param whyBelow said only when the bar is missed
 */
export function rateRow(
  figure: string,
  comparison: Comparison,
  atLeast: number | undefined,
  whyBelow = '',
): Row {
  const { ours, peer, ratio } = figuresOf(comparison);
  process.stderr.write(`  ${figure}: ${ratio.toFixed(2)}\n`);
  return {
    figure,
    note: atLeast !== undefined && ratio < atLeast ? whyBelow : '',
    bar: atLeast === undefined ? '' : `ratio ≥ ${atLeast}`,
    measured: perSecond(ours),
    peer: perSecond(peer),
    ratio: ratio.toFixed(2),
    verdict: atLeast === undefined ? 'for information' : verdictOf(ratio >= atLeast),
  };
}

/** A value that must not exceed a bar. Both have the same unit. */
export function limitRow(
  figure: string,
  value: number,
  limit: number,
  unit: string,
  note = '',
): Row {
  return {
    ...{ figure, note, peer: '', ratio: '' },
    bar: `≤ ${limit.toLocaleString('en-US')} ${unit}`,
    measured: `${value.toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit}`,
    verdict: verdictOf(value <= limit),
  };
}

/** A rate that must reach a bar. */
export function reachRow(figure: string, rate: number, bar: number, note = ''): Row {
  const measured = perSecond(rate);
  process.stderr.write(`  ${figure}: ${measured}\n`);
  return {
    ...{ figure, measured, peer: '', ratio: '', note },
    bar: `≥ ${perSecond(bar)}`,
    verdict: verdictOf(rate >= bar),
  };
}

/** Times in ms, of which the 99th percentile must not exceed a bar; without one: for information. */
export function timesRow(
  figure: string,
  times: readonly number[],
  barMs: number | undefined,
  note = '',
): Row {
  const p99 = quantile(times, 0.99);
  const measured = `p50 ${inMs(quantile(times, 0.5))}, p99 ${inMs(p99)}, max ${inMs(Math.max(...times))} (${times.length})`;
  process.stderr.write(`  ${figure}: ${measured}\n`);
  return {
    ...{ figure, measured, peer: '', ratio: '', note },
    bar: barMs === undefined ? '' : `p99 ≤ ${inMs(barMs)}`,
    verdict: barMs === undefined ? 'for information' : verdictOf(p99 <= barMs),
  };
}

const inMs = (ms: number) => `${Math.round(ms).toLocaleString('en-US')} ms`;

export function unmeasuredRow(figure: string, bar: string, why: string): Row {
  return {
    ...{ figure, bar, measured: '', peer: '', ratio: '' },
    verdict: 'not measured',
    note: why,
  };
}

const verdictOf = (met: boolean) => (met ? 'met' : 'MISSED');
