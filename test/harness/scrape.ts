import { METRIC_CONTENT_TYPE } from '../../agent/metrics/metricText.ts';
import { parseExposition, type Family } from './exposition.ts';

/** Asks as Prometheus does, and takes nothing that it would refuse. */
export async function scrape(url: string): Promise<Map<string, Family>> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  const type = response.headers.get('content-type');
  if (type !== METRIC_CONTENT_TYPE) throw new Error(`It sent ${type}`);
  return parseExposition(text);
}
