import { assertNever } from '../../agent/common/assertNever.ts';
import type { ConnectionRow, ConnectionState, StreamRow } from '../../agent/protocol/model.ts';
import { streamHealth, type StreamHealth } from '../model/selectors.ts';
import { formatAgo, formatCount, formatRate } from './age.ts';
import { describeHolder } from './holderText.ts';
import { firstLine, joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** `live · 12,345 ticks · 3 batches/s`. */
export function describeStream(
  stream: StreamRow,
  batchesPerSecond: number | undefined,
  t: Translate,
): string {
  const health = streamHealth(stream);
  if (health === 'stopped') return healthName(health, t);
  if (health === 'elsewhere' || health === 'waiting') {
    const holder = stream.holder === null ? '' : describeHolder(stream.holder, t);
    return joined([healthName(health, t), holder]);
  }
  const connected =
    stream.connections.length > 1 || health !== 'live'
      ? t('{0} of {1} connected', stream.connected, stream.connections.length)
      : '';
  return joined([
    healthName(health, t),
    connected,
    t('{0} ticks', formatCount(stream.totalTicks)),
    batchesPerSecond === undefined ? '' : t('{0} batches/s', formatRate(batchesPerSecond)),
  ]);
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
      return t('waiting for its lock');
    case 'elsewhere':
      return t('runs elsewhere');
    case 'suspended':
      return t('suspended');
    case 'stopped':
      return t('stopped');
    default:
      return assertNever(health);
  }
}

/** What is wrong with a connection, or how much came over it. */
export function describeConnection(connection: ConnectionRow, t: Translate): string {
  const state = connectionStateName(connection.state, t);
  if (connection.state !== 'live' && connection.trouble !== null) {
    return joined([state, firstLine(connection.trouble)]);
  }
  return joined([state, t('{0} symbols', formatCount(connection.symbols.length))]);
}

export function connectionStateName(state: ConnectionState, t: Translate): string {
  switch (state) {
    case 'connecting':
      return t('connecting');
    case 'subscribing':
      return t('subscribing');
    case 'live':
      return t('live');
    case 'stale':
      return t('silent');
    case 'backing_off':
      return t('reconnecting');
    case 'suspended':
      return t('suspended');
    case 'closed':
      return t('closed');
    default:
      return assertNever(state);
  }
}

/** The figures of a connection, one row each. */
export function connectionDetails(
  connection: ConnectionRow,
  nowMs: number,
  t: Translate,
): { id: string; label: string; text: string }[] {
  const last = formatAgo(connection.lastMessageAt, nowMs, t);
  return [
    { id: 'messages', label: t('Messages'), text: formatCount(connection.messages) },
    { id: 'ticks', label: t('Ticks'), text: formatCount(connection.ticks) },
    { id: 'gaps', label: t('Ticks lost'), text: formatCount(connection.gaps) },
    { id: 'errors', label: t('Errors'), text: formatCount(connection.errors) },
    {
      id: 'reconnects',
      label: t('Reconnect attempts'),
      text: formatCount(connection.reconnectAttempts),
    },
    { id: 'lastMessage', label: t('Last message'), text: last === '' ? t('none yet') : last },
    { id: 'symbols', label: t('Symbols'), text: connection.symbols.join(', ') },
  ];
}
