import {
  METRIC_DEFINITIONS,
  METRICS,
  RUN_SECONDS,
  type MetricDefinition,
  type MetricName,
} from './metricCatalogue.ts';
import type { MetricSet } from './metricSet.ts';

/** What Prometheus asks for, and every scraper understands. */
export const METRIC_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Figures as Prometheus' text format. @param sets of which each figure is in one */
export function metricText(sets: readonly MetricSet[]): string {
  const lines: string[] = [];
  for (const name of metricNames()) {
    const definition = METRIC_DEFINITIONS[name];
    const samples = sets.flatMap((set) => samplesOf(set, name, definition));
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${definition.help}`, `# TYPE ${name} ${definition.kind}`);
    lines.push(...samples);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** In the order of the catalogue. */
export function metricNames(): MetricName[] {
  return Object.keys(METRICS).filter((name): name is MetricName => name in METRICS);
}

function samplesOf(set: MetricSet, name: MetricName, { kind, labels }: MetricDefinition): string[] {
  if (kind !== 'histogram') {
    return set
      .plainSeries(name)
      .map(({ values, value }) => `${name}${labelText(labels, values)} ${numberText(value)}`);
  }
  return set.histogramSeries(name).flatMap(({ values, classes, sum }) => {
    let count = 0;
    const buckets = classes.map((inClass, index) => {
      count += inClass;
      const end = RUN_SECONDS[index];
      const le = end === undefined ? '+Inf' : String(end);
      return `${name}_bucket${labelText([...labels, 'le'], [...values, le])} ${count}`;
    });
    const text = labelText(labels, values);
    return [...buckets, `${name}_sum${text} ${numberText(sum)}`, `${name}_count${text} ${count}`];
  });
}

function labelText(labels: readonly string[], values: readonly string[]): string {
  if (labels.length === 0) return '';
  const pairs = labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`);
  return `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
