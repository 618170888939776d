/** One line with a figure. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** A figure with all its lines, as Prometheus reads them. */
export interface Family {
  name: string;
  type: string;
  help: string;
  samples: Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const SUFFIXES: Record<string, string[]> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads Prometheus' text format, version 0.0.4, and accepts nothing that the format forbids: order of
 * lines, a family in one piece, no sample twice, counters named `_total`, histograms that add up.
 * @throws Error with the line
 */
export function parseExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line has no end');
  const families = new Map<string, Family>();
  let current: Family | undefined;
  let help: { name: string; text: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    if (line.startsWith('# HELP ')) {
      const [name = '', ...words] = line.slice('# HELP '.length).split(' ');
      check(NAME.test(name) && help === undefined && words.length > 0, line);
      help = { name, text: words.join(' ') };
    } else if (line.startsWith('# TYPE ')) {
      const [name = '', type = '', ...rest] = line.slice('# TYPE '.length).split(' ');
      check(rest.length === 0 && help?.name === name && !families.has(name), line);
      check(['counter', 'gauge', 'histogram'].includes(type), line);
      current = { name, type, help: help?.text ?? '', samples: [] };
      help = undefined;
      families.set(name, current);
    } else {
      check(current !== undefined && help === undefined, line);
      if (current === undefined) continue;
      const sample = parseSample(line);
      const names = (SUFFIXES[current.type] ?? ['']).map((end) => `${current?.name ?? ''}${end}`);
      check(names.includes(sample.name), `${line} in family ${current.name}`);
      const identity = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
      check(!seen.has(identity), `${line} twice`);
      seen.add(identity);
      current.samples.push(sample);
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** The value of the one sample with these labels among its own; undefined when there is none. */
export function valueOf(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const family = families.get(name) ?? families.get(base);
  const found = family?.samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found !== undefined && found.length > 1) throw new Error(`${name} is not one sample`);
  return found?.[0]?.value;
}

function parseSample(line: string): Sample {
  const match = SAMPLE.exec(line);
  const [, name = '', labelText, valueText = ''] = match ?? [];
  check(match !== null && VALUE.test(valueText), line);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (labelText !== undefined && LABEL.lastIndex < labelText.length) {
    const label = LABEL.exec(labelText);
    const [, key = '', value = ''] = label ?? [];
    check(label !== null && !(key in labels), line);
    labels[key] = value.replace(/\\(.)/g, (_all, char: string) => (char === 'n' ? '\n' : char));
    if (label === null) break;
  }
  return { name, labels, value: Number(valueText.replace('Inf', 'Infinity')) };
}

function checkFamily({ name, type, samples }: Family): void {
  check(samples.length > 0, `${name} has no samples`);
  check((type === 'counter') === name.endsWith('_total'), `${name} is a ${type}`);
  if (type === 'counter') {
    for (const { value } of samples) check(value >= 0, `${name} is ${value}`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const rest = Object.entries(sample.labels).filter(([label]) => label !== 'le');
    const key = JSON.stringify(rest.sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const ends = buckets.map(({ labels }) =>
      Number((labels['le'] ?? '').replace('Inf', 'Infinity')),
    );
    check(ends.at(-1) === Infinity, `${name} has no bucket +Inf`);
    for (const [index, end] of ends.entries()) {
      const before = index === 0 ? undefined : buckets[index - 1];
      check(end > (ends[index - 1] ?? -Infinity), `${name}: buckets are not in order`);
      check((buckets[index]?.value ?? 0) >= (before?.value ?? 0), `${name}: buckets go down`);
    }
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    check(count === buckets.at(-1)?.value, `${name}: count and +Inf differ`);
    check(
      group.some((sample) => sample.name === `${name}_sum`),
      `${name} has no sum`,
    );
  }
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Not Prometheus' text format: ${what}`);
}
