import { assertNever } from '../../agent/common/assertNever.ts';
import { weekTime } from '../../agent/common/weekTime.ts';
import type { StreamRow } from '../../agent/protocol/model.ts';
import { countState } from '../../agent/protocol/streamFigures.ts';
import { streamHealth, type StreamHealth } from '../model/selectors.ts';
import { formatAgo, formatCount, formatRate } from './age.ts';
import { describeHolder } from './holderText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** `4/5 live · 12,345 ticks · 3 batches/s`. */
export function describeStream(
  stream: StreamRow,
  batchesPerSecond: number | undefined,
  nowMs: number,
  t: Translate,
): string {
  const health = streamHealth(stream);
  if (health === 'stopped') return healthName(health, t);
  if (health === 'sleeping') return sleepText(stream, nowMs, t);
  return joined([
    ...stateTexts(stream, health, t),
    health === 'waiting' ? '' : t('{0} ticks', formatCount(stream.totalTicks)),
    batchesPerSecond === undefined || health === 'waiting'
      ? ''
      : t('{0} batches/s', formatRate(batchesPerSecond)),
    stream.totalGaps === 0 ? '' : t('{0} lost', formatCount(stream.totalGaps)),
    stream.totalDropped === 0 ? '' : t('{0} dropped', formatCount(stream.totalDropped)),
  ]);
}

/** The word, how many of how many, and who has it when it is not this agent. */
function stateTexts(stream: StreamRow, health: StreamHealth, t: Translate): string[] {
  const awake = stream.connections.length - countState(stream, 'sleeping');
  const live = t('{0}/{1} live', countState(stream, 'live'), awake);
  const holder =
    stream.state === 'elsewhere' && stream.holder !== null ? describeHolder(stream.holder, t) : '';
  // A number says it better than the word, when there is more than one connection.
  const numbered = health === 'live' || health === 'partly' || health === 'suspended';
  if (numbered && awake > 1) {
    const suspended = countState(stream, 'suspended');
    return [live, suspended === 0 ? '' : t('{0} suspended', suspended), holder];
  }
  return [healthName(health, t), awake > 1 ? live : '', holder];
}

/** `sleeping until Mon 09:15 (Asia/Kolkata)`. */
export function sleepText({ until, timezone }: StreamRow, nowMs: number, t: Translate): string {
  return until === null
    ? t('sleeping, and no opening is in sight')
    : t('sleeping until {0}', weekTime(until, nowMs, timezone));
}

export function healthName(health: StreamHealth, t: Translate): string {
  switch (health) {
    case 'live':
      return t('live');
    case 'partly':
      return t('partly live');
    case 'connecting':
      return t('connecting');
    case 'waiting':
      return t('waiting for an agent');
    case 'elsewhere':
      return t('runs elsewhere');
    case 'suspended':
      return t('suspended');
    case 'sleeping':
      return t('sleeping');
    case 'stopped':
      return t('stopped');
    default:
      return assertNever(health);
  }
}

export interface StreamNote {
  id: 'health' | 'cut' | 'aliases';
  label: string;
  text: string;
  /** Someone should look at it. */
  warns: boolean;
}

/** What a person should know of a stream beside its connections, one row each. */
export function streamNotes(stream: StreamRow, nowMs: number, t: Translate): StreamNote[] {
  const { health, cutSymbols, symbolCount, aliases } = stream;
  const notes: StreamNote[] = [];
  if (health !== null) {
    const text = joined([health.summary, formatAgo(health.at, nowMs, t)]);
    notes.push({ id: 'health', label: t('Health'), text, warns: !health.ok });
  }
  if (cutSymbols > 0) {
    const [cut, all] = [formatCount(cutSymbols), formatCount(symbolCount)];
    const text = t('{0} of {1} symbols cut off by maxSymbols', cut, all);
    notes.push({ id: 'cut', label: t('Cut off'), text, warns: true });
  }
  if (aliases > 0) {
    const text = t('{0} symbols left out: others mean the same', formatCount(aliases));
    notes.push({ id: 'aliases', label: t('Aliases'), text, warns: false });
  }
  return notes;
}

/** Every figure of a stream, for a tooltip. */
export function streamFacts(
  stream: StreamRow,
  batchesPerSecond: number | undefined,
  nowMs: number,
  t: Translate,
): (readonly [string, string])[] {
  const unlessZero = (count: number) => (count === 0 ? '' : formatCount(count));
  return [
    [t('State'), describeStream(stream, batchesPerSecond, nowMs, t)],
    [t('Address'), stream.url],
    [t('Connections'), t('{0} of {1}', stream.connected, stream.connections.length)],
    [t('Symbols'), formatCount(stream.symbolCount)],
    ...streamNotes(stream, nowMs, t).map(({ label, text }) => [label, text] as const),
    [t('Messages'), formatCount(stream.totalMessages)],
    [t('Ticks'), formatCount(stream.totalTicks)],
    [t('Ticks lost'), unlessZero(stream.totalGaps)],
    [t('Ticks dropped'), unlessZero(stream.totalDropped)],
    [t('Batches'), formatCount(stream.batches)],
    [t('Errors'), formatCount(stream.totalErrors)],
    [t('Started'), formatAgo(stream.startedAt, nowMs, t)],
    [t('Holder'), stream.holder === null ? '' : describeHolder(stream.holder, t)],
    [t('Fence'), stream.fence === null ? '' : String(stream.fence)],
  ];
}
