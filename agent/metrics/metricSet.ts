import { METRIC_DEFINITIONS, RUN_SECONDS, type MetricName } from './metricCatalogue.ts';

/** More values of a figure's labels than that are counted as one, so that no name can fill the memory. */
const MOST_SERIES = 1_000;
const OTHER = 'other';
/** Between the values of labels: none of them has it. */
const SEPARATOR = '\u001f';

interface Series {
  values: readonly string[];
  value: number;
}

interface HistogramSeries {
  values: readonly string[];
  /** One for each class, not added up; the last one is for what is longer than all of them. */
  classes: number[];
  sum: number;
}

/** Figures with their labels, as they are now. Written as text for Prometheus by `metricText`. */
export class MetricSet {
  private readonly plain = new Map<MetricName, Map<string, Series>>();
  private readonly histograms = new Map<MetricName, Map<string, HistogramSeries>>();

  /** Adds to a counter. @param values of its labels, in the order of the catalogue */
  add(name: MetricName, values: readonly string[] = [], amount = 1): void {
    this.series(name, values).value += amount;
  }

  /** Sets a gauge, or a counter that is kept elsewhere. */
  set(name: MetricName, values: readonly string[], value: number): void {
    this.series(name, values).value = value;
  }

  /** Counts one duration in seconds. */
  observe(name: MetricName, values: readonly string[], seconds: number): void {
    const all = mapOf(this.histograms, name);
    const found = seriesOf(all, name, values, (kept) => ({
      ...{ values: kept, classes: new Array<number>(RUN_SECONDS.length + 1).fill(0), sum: 0 },
    }));
    const index = RUN_SECONDS.findIndex((end) => seconds <= end);
    const at = index === -1 ? RUN_SECONDS.length : index;
    found.classes[at] = (found.classes[at] ?? 0) + 1;
    found.sum += seconds;
  }

  plainSeries(name: MetricName): Series[] {
    return [...(this.plain.get(name)?.values() ?? [])];
  }

  histogramSeries(name: MetricName): HistogramSeries[] {
    return [...(this.histograms.get(name)?.values() ?? [])];
  }

  private series(name: MetricName, values: readonly string[]): Series {
    return seriesOf(mapOf(this.plain, name), name, values, (kept) => ({ values: kept, value: 0 }));
  }
}

function mapOf<V>(all: Map<MetricName, Map<string, V>>, name: MetricName): Map<string, V> {
  const known = all.get(name);
  if (known !== undefined) return known;
  const made = new Map<string, V>();
  all.set(name, made);
  return made;
}

function seriesOf<V>(
  all: Map<string, V>,
  name: MetricName,
  values: readonly string[],
  make: (values: readonly string[]) => V,
): V {
  const known = all.get(values.join(SEPARATOR));
  if (known !== undefined) return known;
  const kept = all.size < MOST_SERIES ? values : METRIC_DEFINITIONS[name].labels.map(() => OTHER);
  const key = kept.join(SEPARATOR);
  const found = all.get(key) ?? make([...kept]);
  all.set(key, found);
  return found;
}
