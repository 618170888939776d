import * as vscode from 'vscode';
import { jobState, type JobRow, type JobState } from '../../agent/protocol/model.ts';
import type { JobRef } from '../model/remedies.ts';
import { describeJob, jobLabel, jobStateName } from '../present/jobText.ts';
import { JobNode } from '../views/nodes/jobNode.ts';
import type { CommandContext } from './commandContext.ts';
import { nodesOf, pickMany, pickOne, type Choice } from './quickPick.ts';

const ANY_STATE = jobState.options;

/** The jobs of the rows that a command was invoked on. */
export function jobNodes(node: unknown, selection: readonly unknown[]): JobRow[] {
  return nodesOf(JobNode, node, selection).flatMap(({ job }) => (job === undefined ? [] : [job]));
}

/** The jobs of the selection that are in one of these states, or those that the person picks. */
export async function chooseJobs(
  context: CommandContext,
  title: string,
  states: readonly JobState[] | 'any',
  node: unknown,
  selection: readonly unknown[],
): Promise<JobRow[]> {
  const fits = ({ state }: JobRow) => states === 'any' || states.includes(state);
  const selected = jobNodes(node, selection);
  if (selected.length > 0) return selected.filter(fits);
  const choices = jobChoices(context, fits);
  if (choices.length > 0) return pickMany(title, choices);
  void vscode.window.showInformationMessage(vscode.l10n.t('There is no such job.'));
  return [];
}

export function chooseJob(
  context: CommandContext,
  title = vscode.l10n.t('Show Job'),
  states: readonly JobState[] = ANY_STATE,
): Promise<JobRow | undefined> {
  return pickOne(
    title,
    jobChoices(context, ({ state }) => states.includes(state)),
  );
}

export function jobRefs(jobs: readonly JobRef[]): { id: string; queue: string }[] {
  return jobs.map(({ id, queue }) => ({ id, queue }));
}

function jobChoices(context: CommandContext, fits: (job: JobRow) => boolean): Choice<JobRow>[] {
  const { store, time, t } = context.data;
  return [...store.rows('jobs').values()].filter(fits).map((job) => ({
    label: `${jobLabel(job)} ${job.id}`,
    description: `${jobStateName(job.state, t)} · ${describeJob(job, time.now(), t)}`,
    value: job,
  }));
}
