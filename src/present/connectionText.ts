import { assertNever } from '../../agent/common/assertNever.ts';
import type { ConnectionRow, ConnectionState, SymbolRow } from '../../agent/protocol/model.ts';
import { byTrouble, isBehind, livesElsewhere } from '../../agent/protocol/streamFigures.ts';
import { ageMs, formatAgo, formatClockTime, formatCount } from './age.ts';
import { describeHolder, holderPlace } from './holderText.ts';
import { firstLine, joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** A silence that is worth a place in the row. */
const SILENCE_MS = 2_000;

/** Who looks, and when. */
export interface ConnectionView {
  nowMs: number;
  /** This window's agent; undefined: not known. */
  agentId: string | undefined;
}

/** `reconnecting · closed with 1006 · 45,123 messages · 50 symbols · 8 errors · last 12 s ago`. */
export function describeConnection(
  connection: ConnectionRow,
  { nowMs, agentId }: ConnectionView,
  t: Translate,
): string {
  const { state, trouble, lastMessageAt } = connection;
  const silent = (ageMs(lastMessageAt, nowMs) ?? 0) >= SILENCE_MS;
  const elsewhere = livesElsewhere(connection, agentId);
  return joined([
    connectionStateName(state, t),
    state === 'live' || trouble === null ? '' : firstLine(trouble),
    elsewhere && connection.holder !== null ? holderPlace(connection.holder) : '',
    t('{0} messages', formatCount(connection.messages)),
    t('{0} symbols', formatCount(connection.symbolCount)),
    counted(connection.errors, t('{0} errors', formatCount(connection.errors))),
    counted(connection.gaps, t('{0} lost', formatCount(connection.gaps))),
    counted(connection.dropped, t('{0} dropped', formatCount(connection.dropped))),
    isBehind(connection) ? t('{0} buffered', formatCount(connection.buffered)) : '',
    state === 'live'
      ? ''
      : counted(connection.reconnectAttempts, t('attempt {0}', connection.reconnectAttempts)),
    silent ? t('last {0}', formatAgo(lastMessageAt, nowMs, t)) : '',
    connection.asOf === null ? '' : t('as of {0}', formatAgo(connection.asOf, nowMs, t)),
  ]);
}

function counted(count: number, text: string): string {
  return count === 0 ? '' : text;
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
    case 'sleeping':
      return t('sleeping');
    case 'waiting':
      return t('waiting for an agent');
    default:
      return assertNever(state);
  }
}

export interface ConnectionDetail {
  id: string;
  label: string;
  text: string;
}

/** The figures of a connection, one row each; those that tell nothing are left out. */
export function connectionDetails(
  connection: ConnectionRow,
  { nowMs, agentId }: ConnectionView,
  t: Translate,
): ConnectionDetail[] {
  const { lag, holder, since, lastMessageAt, asOf } = connection;
  const last = formatAgo(lastMessageAt, nowMs, t);
  const place = holder === null ? '' : describeHolder(holder, t);
  const unlessZero = (count: number) => counted(count, formatCount(count));
  const details: ConnectionDetail[] = [
    { id: 'messages', label: t('Messages'), text: formatCount(connection.messages) },
    { id: 'ticks', label: t('Ticks'), text: formatCount(connection.ticks) },
    { id: 'lastMessage', label: t('Last message'), text: last === '' ? t('none yet') : last },
    { id: 'lag', label: t('Lag (p50, p99)'), text: lag === null ? '' : lagText(lag, t) },
    { id: 'gaps', label: t('Ticks lost'), text: formatCount(connection.gaps) },
    { id: 'dropped', label: t('Ticks dropped'), text: formatCount(connection.dropped) },
    { id: 'buffered', label: t('Waiting for Redis'), text: unlessZero(connection.buffered) },
    { id: 'errors', label: t('Errors'), text: formatCount(connection.errors) },
    {
      id: 'reconnects',
      label: t('Reconnect attempts'),
      text: formatCount(connection.reconnectAttempts),
    },
    { id: 'since', label: t('Since'), text: since === null ? '' : formatClockTime(since, nowMs) },
    { id: 'holder', label: t('Holder'), text: livesElsewhere(connection, agentId) ? place : '' },
    { id: 'asOf', label: t('Figures as of'), text: formatAgo(asOf, nowMs, t) },
  ];
  return details.filter(({ text }) => text !== '');
}

/** `12 ms, 80 ms`. */
function lagText({ p50, p99 }: NonNullable<ConnectionRow['lag']>, t: Translate): string {
  const round = (ms: number) => formatCount(ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms));
  return t('{0} ms, {1} ms', round(p50), round(p99));
}

/** Of a group of connections: `98/100 live · 1 suspended · 1 reconnecting`. */
export function describeConnections(connections: readonly ConnectionRow[], t: Translate): string {
  const live = connections.filter(({ state }) => state === 'live').length;
  return joined([
    t('{0}/{1} live', formatCount(live), formatCount(connections.length)),
    describeTroubled(connections, t),
  ]);
}

/** Of those that are not live, by state and the worst first: `1 suspended · 5 reconnecting`. */
export function describeTroubled(connections: readonly ConnectionRow[], t: Translate): string {
  const counts = new Map<ConnectionState, number>();
  for (const { state } of [...connections].sort(byTrouble)) {
    if (state !== 'live') counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const words = [...counts].map(
    ([state, count]) => `${formatCount(count)} ${connectionStateName(state, t)}`,
  );
  return joined(words);
}

/** `reliance · 1,234 ticks · 2 lost · last 3 s ago`. */
export function describeSymbol(row: SymbolRow, nowMs: number, t: Translate): string {
  return joined([
    row.name === row.symbol ? '' : row.name,
    t('{0} ticks', formatCount(row.ticks)),
    counted(row.gaps, t('{0} lost', formatCount(row.gaps))),
    row.lastTickAt === null ? t('none yet') : t('last {0}', formatAgo(row.lastTickAt, nowMs, t)),
  ]);
}
