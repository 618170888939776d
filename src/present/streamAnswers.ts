import { formatDuration } from '../../agent/common/duration.ts';
import type { SymbolsChange } from '../../agent/protocol/api.ts';
import type { StreamRow } from '../../agent/protocol/model.ts';
import { formatAgo, formatCount } from './age.ts';
import { describeHolder } from './holderText.ts';
import type { Translate } from './translate.ts';

/** So many names fit into a message. */
const SHOWN_NAMES = 10;

/** Why a stream is not even asked for: `Stream nse is already running (devbox:4711 all, started 12 s ago).` */
export function alreadyRunningText(stream: StreamRow, nowMs: number, t: Translate): string {
  const where = stream.holder === null ? '' : describeHolder(stream.holder, t);
  const since = formatAgo(stream.startedAt, nowMs, t);
  const facts = [where, since === '' ? '' : t('started {0}', since)].filter((fact) => fact !== '');
  const sentence = t('Stream {0} is already running', stream.name);
  return facts.length === 0 ? `${sentence}.` : `${sentence} (${facts.join(', ')}).`;
}

/** Of a second click on the same. */
export function underWayText(title: string, name: string, ageMs: number, t: Translate): string {
  if (ageMs < 1_000) return t('{0}: {1} is under way, asked just now.', title, name);
  return t('{0}: {1} is under way, asked {2} ago.', title, name, formatDuration(ageMs));
}

/** `Added 2 to nse: A, B. Unchanged: C (subscribed already). Cut off by maxSymbols: D.` */
export function symbolsChangeText(
  { changed, unchanged, cut }: SymbolsChange,
  verb: 'added' | 'removed',
  stream: string,
  t: Translate,
): string {
  const count = formatCount(changed.length);
  const names = namesText(changed, t);
  const sentences: string[] = [];
  if (changed.length > 0) {
    sentences.push(
      verb === 'added'
        ? t('Added {0} to {1}: {2}.', count, stream, names)
        : t('Removed {0} from {1}: {2}.', count, stream, names),
    );
  }
  if (unchanged.length > 0) {
    const told = unchanged.map(({ symbol, why }) => `${symbol} (${why})`);
    sentences.push(t('Unchanged: {0}.', namesText(told, t)));
  }
  if (cut.length > 0) sentences.push(t('Cut off by maxSymbols: {0}.', namesText(cut, t)));
  return sentences.length === 0 ? t('Nothing changed in {0}.', stream) : sentences.join(' ');
}

function namesText(names: readonly string[], t: Translate): string {
  const shown = names.slice(0, SHOWN_NAMES).join(', ');
  const more = names.length - SHOWN_NAMES;
  return more > 0 ? t('{0} and {1} more', shown, formatCount(more)) : shown;
}
