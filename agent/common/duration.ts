const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;

/**
 * Reads `"30s"`, `"5m"`, `"1h"`, `"200ms"`, `"1d"` as milliseconds.
 * @returns undefined when the text is no duration
 */
export function parseDurationMs(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  const amount = match?.[1];
  const unit = match?.[2];
  if (amount === undefined || unit === undefined) return undefined;
  const factor = UNIT_MS[unit];
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** `900 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`: short, and never a negative age. */
export function formatDuration(ms: number): string {
  const positive = Math.max(0, ms);
  if (positive < 1_000) return `${Math.round(positive)} ms`;
  const seconds = Math.floor(positive / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joinParts(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joinParts(hours, 'h', minutes % 60, 'min');
  return joinParts(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function joinParts(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}
