import type { Decision } from '../../agent/protocol/decision.ts';
import { COMMANDS, type CommandId } from '../contributions.ts';
import type { LockList } from '../model/lockList.ts';
import { remediesOf } from '../model/remedies.ts';
import type { Store } from '../model/store.ts';
import type { Translate } from './translate.ts';

/** Something to click: a command with what it is about, as JSON. */
export interface TextAction {
  title: string;
  command: CommandId;
  argument: unknown;
}

/** What can be done about a decision, as links of its tooltip and above its lines in documents. */
export function remedyActions(
  decision: Decision,
  { store, locks }: { store: Store; locks: LockList },
  t: Translate,
): TextAction[] {
  const { job, lock, rule, failedJob } = remediesOf(decision, store, locks);
  const actions: TextAction[] = [];
  if (job !== undefined) {
    const title = decision.survivor === null ? t('Reveal Job') : t('Reveal Survivor');
    actions.push({ title, command: COMMANDS.jobReveal, argument: job });
  }
  if (failedJob !== undefined) {
    actions.push({
      title: t('Requeue Job'),
      command: COMMANDS.jobRequeue,
      argument: failedJob,
    });
  }
  if (lock !== undefined) {
    const title = t('Release Lock…');
    actions.push({ title, command: COMMANDS.lockRelease, argument: lock.name });
  }
  if (rule !== undefined) {
    const title = t('Open Rule in Config');
    actions.push({ title, command: COMMANDS.configOpenRule, argument: rule });
  }
  return actions;
}
