import { assertNever } from '../../agent/common/assertNever.ts';
import type { Orphan } from '../../agent/protocol/api.ts';
import type { Translate } from './translate.ts';

export function orphanKindName(kind: Orphan['kind'], t: Translate): string {
  switch (kind) {
    case 'lease':
      return t('lock');
    case 'dedup':
      return t('uniqueness key');
    case 'admission':
      return t('place under maxConcurrent');
    case 'running':
      return t('mark of a run');
    case 'agent':
      return t('entry of an agent');
    case 'stuck_job':
      return t('stuck job');
    default:
      return assertNever(kind);
  }
}
