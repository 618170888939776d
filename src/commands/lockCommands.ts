import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import type { LockRow } from '../../agent/protocol/model.ts';
import { COMMANDS, VIEWS } from '../contributions.ts';
import { remediesOf } from '../model/remedies.ts';
import {
  describeLock,
  lockFacts,
  lockKindName,
  lockNow,
  releaseReason,
} from '../present/lockText.ts';
import { DecisionNode } from '../views/nodes/decisionNode.ts';
import { LockNode } from '../views/nodes/lockNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { showFiltered } from './decisionFilter.ts';
import { pickOne } from './quickPick.ts';
import { tellDecision } from './tell.ts';

type LockCommand =
  typeof COMMANDS.lockRelease | typeof COMMANDS.lockShowDecisions | typeof COMMANDS.lockCopyDetails;

export function lockCommands(context: CommandContext): Pick<CommandHandlers, LockCommand> {
  return {
    [COMMANDS.lockRelease]: async (node) => {
      const lock = await chosenLock(context, vscode.l10n.t('Release Lock'), node);
      if (lock !== undefined) await release(context, lock);
    },
    [COMMANDS.lockShowDecisions]: async (node) => {
      const lock = await chosenLock(context, vscode.l10n.t('Show Decisions About It'), node);
      if (lock === undefined) return;
      await showFiltered(context, { subject: subjectOf(lock) });
      await vscode.commands.executeCommand(`${VIEWS.decisions}.focus`);
    },
    [COMMANDS.lockCopyDetails]: async (node) => {
      const lock = await chosenLock(context, vscode.l10n.t('Copy Details'), node);
      if (lock === undefined) return;
      const { locks, time, t } = context.data;
      const facts = lockFacts(lock, lockNow(lock, locks, time.now()), t);
      const told = facts.filter(([, value]) => value !== '');
      await vscode.env.clipboard.writeText(
        [lock.subject, ...told.map(([name, value]) => `${name}: ${value}`)].join('\n'),
      );
      vscode.window.setStatusBarMessage(vscode.l10n.t('Copied: {0}', lock.subject), COPIED_MS);
    },
  };
}

const COPIED_MS = 3_000;

/** What decisions call it: a job type or a stream; the scheduler's lock goes by its name. */
function subjectOf(lock: LockRow): string {
  return lock.kind === 'scheduler' ? lock.name : (lock.job?.type ?? lock.subject);
}

/** Nobody holds it any more, so a plain question is enough. */
function isProvenFree({ state }: LockRow): boolean {
  return state === 'holder_dead' || state === 'orphaned';
}

async function release(context: CommandContext, lock: LockRow): Promise<void> {
  const free = isProvenFree(lock);
  if (!(await confirmed(context, lock, free))) return;
  const decision = await context.agent.client.request(requests.releaseLock, {
    name: lock.name,
    force: !free,
    ...(lock.fence === null ? {} : { fence: lock.fence }),
  });
  await tellDecision(context, decision);
}

async function confirmed(context: CommandContext, lock: LockRow, free: boolean): Promise<boolean> {
  const answer = free ? vscode.l10n.t('Release') : vscode.l10n.t('Release…');
  const question = free
    ? vscode.l10n.t('Release {0}?', lock.name)
    : vscode.l10n.t('Release {0} although it is held?', lock.name);
  const detail = releaseReason(lock, context.data.t);
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, answer);
  if (chosen !== answer) return false;
  return free || typedName(lock.name);
}

/** A person who types the name has read it. */
async function typedName(name: string): Promise<boolean> {
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Release Lock'),
    prompt: vscode.l10n.t('Type the name of the lock to release it: {0}', name),
    placeHolder: name,
    ignoreFocusOut: true,
    validateInput: (text) =>
      text === '' || text === name ? undefined : vscode.l10n.t('That is not its name: {0}', name),
  });
  return typed === name;
}

/** @param about a row, or the name of a lock from a link */
async function chosenLock(
  context: CommandContext,
  title: string,
  about: unknown,
): Promise<LockRow | undefined> {
  const { locks, store, time, t } = context.data;
  const named =
    about instanceof LockNode
      ? about.key
      : about instanceof DecisionNode
        ? about.decision && remediesOf(about.decision, store, locks).lock?.name
        : about;
  if (typeof named === 'string') {
    const lock = locks.find(named);
    if (lock === undefined)
      void vscode.window.showInformationMessage(vscode.l10n.t('{0} is no longer locked.', named));
    return lock;
  }
  const choices = locks.rows().map((lock) => ({
    label: lock.subject,
    description: `${lockKindName(lock.kind, t)} · ${describeLock(lock, lockNow(lock, locks, time.now()), t)}`,
    value: lock,
  }));
  if (choices.length > 0) return pickOne(title, choices);
  void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is locked.'));
  return undefined;
}
