import { figuresOf, type Comparison } from '../comparison.ts';

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

export function unmeasuredRow(figure: string, bar: string, why: string): Row {
  return {
    ...{ figure, bar, measured: '', peer: '', ratio: '' },
    verdict: 'not measured',
    note: why,
  };
}

const verdictOf = (met: boolean) => (met ? 'met' : 'MISSED');
