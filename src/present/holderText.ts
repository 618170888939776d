import type { Holder } from '../../agent/protocol/decision.ts';
import type { Translate } from './translate.ts';

/** `devbox:4711 all`. */
export function holderPlace(holder: Holder): string {
  return `${holder.host}:${holder.pid} ${holder.role}`;
}

/** `devbox:4711 all`, with the word that matters when its process has ended. */
export function describeHolder(holder: Holder, t: Translate): string {
  const place = holderPlace(holder);
  return holder.alive === false ? t('{0} (ended)', place) : place;
}

export function holderLiveness(holder: Holder, t: Translate): string {
  if (holder.alive === null) return t('unknown from here (another host)');
  return holder.alive ? t('alive') : t('ended');
}
