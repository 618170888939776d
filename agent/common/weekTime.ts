const DAY_MS = 86_400_000;
/** From then on the name of a day could mean the wrong week. */
const NEXT_WEEK_MS = 6 * DAY_MS;

/**
 * `Mon 09:15 (Asia/Kolkata)`; `Mon 2026-02-09 09:15 (Asia/Kolkata)` when it is so far away that a
 * day's name does not tell the day.
 * @param iso a time; a text that is none comes back as it is
 * @param timeZone left out: the zone of this machine, which needs no name
 */
export function weekTime(iso: string, nowMs: number, timeZone?: string): string {
  const atMs = Date.parse(iso);
  if (Number.isNaN(atMs)) return iso;
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  const day = atMs - nowMs < NEXT_WEEK_MS ? '' : ` ${of('year')}-${of('month')}-${of('day')}`;
  const zone = timeZone === undefined ? '' : ` (${timeZone})`;
  return `${of('weekday')}${day} ${of('hour')}:${of('minute')}${zone}`;
}
