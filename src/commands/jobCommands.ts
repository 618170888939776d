import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import type { JobRow } from '../../agent/protocol/model.ts';
import { COMMANDS } from '../contributions.ts';
import type { JobRef } from '../model/remedies.ts';
import { JobGroupNode } from '../views/nodes/jobGroupNode.ts';
import { JobNode } from '../views/nodes/jobNode.ts';
import { QueueNode } from '../views/nodes/queueNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { enqueueJob } from './enqueueJob.ts';
import { explainSkip } from './explainSkip.ts';
import { chooseJob, chooseJobs, jobNodes, jobRefs } from './jobPicks.ts';
import { jobRefOf, revealJob } from './revealJob.ts';
import { tellBulk } from './tell.ts';

type JobCommand =
  | typeof COMMANDS.jobEnqueue
  | typeof COMMANDS.jobRequeue
  | typeof COMMANDS.jobRequeueAllFailed
  | typeof COMMANDS.jobPromote
  | typeof COMMANDS.jobRemove
  | typeof COMMANDS.jobShow
  | typeof COMMANDS.jobReveal
  | typeof COMMANDS.jobExplainSkip;

export function jobCommands(context: CommandContext): Pick<CommandHandlers, JobCommand> {
  return {
    [COMMANDS.jobEnqueue]: (node) => enqueueJob(context, node),
    [COMMANDS.jobRequeue]: async (node, selection) => {
      // From a decision, the job that it is about.
      const about = node instanceof JobNode ? undefined : jobRefOf(context, node);
      if (about !== undefined) return requeue(context, [about]);
      const jobs = await chooseJobs(
        context,
        vscode.l10n.t('Requeue Failed Jobs'),
        ['failed'],
        node,
        selection,
      );
      if (jobs.length > 0) await requeue(context, jobs);
    },
    [COMMANDS.jobRequeueAllFailed]: (node) => requeueAllFailed(context, queueOf(node)),
    [COMMANDS.jobPromote]: async (node, selection) => {
      const jobs = await chooseJobs(
        context,
        vscode.l10n.t('Promote Delayed Jobs'),
        ['delayed'],
        node,
        selection,
      );
      if (jobs.length > 0) await promote(context, jobs);
    },
    [COMMANDS.jobRemove]: async (node, selection) => {
      const jobs = await chooseJobs(context, vscode.l10n.t('Remove Jobs'), 'any', node, selection);
      if (jobs.length > 0) await removeAfterAsking(context, jobs);
    },
    [COMMANDS.jobShow]: async (node) => {
      const job = jobNodes(node, [])[0] ?? (await chooseJob(context));
      if (job !== undefined) await showJob(context, job);
    },
    [COMMANDS.jobReveal]: (about) => revealJob(context, about),
    [COMMANDS.jobExplainSkip]: (node) => explainSkip(context, node),
  };
}

async function requeue(context: CommandContext, jobs: readonly JobRef[]): Promise<void> {
  const result = await context.agent.client.request(requests.requeue, { jobs: jobRefs(jobs) });
  tellBulk(result, vscode.l10n.t('Requeued jobs: {0}.', result.done.length));
}

async function requeueAllFailed(context: CommandContext, queue: string | undefined): Promise<void> {
  const where = queue === undefined ? {} : { queue };
  const result = await context.agent.client.request(requests.requeue, {
    allFailed: true,
    ...where,
  });
  const done = result.done.length;
  tellBulk(
    result,
    done === 0
      ? vscode.l10n.t('There is no failed job.')
      : vscode.l10n.t('Requeued jobs: {0}.', done),
  );
}

async function promote(context: CommandContext, jobs: readonly JobRow[]): Promise<void> {
  const result = await context.agent.client.request(requests.promote, { jobs: jobRefs(jobs) });
  tellBulk(result, vscode.l10n.t('Promoted jobs: {0}.', result.done.length));
}

async function removeAfterAsking(context: CommandContext, jobs: readonly JobRow[]): Promise<void> {
  const remove = vscode.l10n.t('Remove');
  const [first] = jobs;
  const question =
    jobs.length === 1 && first !== undefined
      ? vscode.l10n.t('Remove job {0} ({1})?', first.id, first.type)
      : vscode.l10n.t('Remove {0} jobs?', jobs.length);
  const detail = vscode.l10n.t(
    'Their payload, result and logs are deleted. This can not be undone.',
  );
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, remove);
  if (chosen !== remove) return;
  const result = await context.agent.client.request(requests.remove, { jobs: jobRefs(jobs) });
  for (const job of jobs) context.data.pages.drop(`${job.queue}/${job.id}`);
  tellBulk(result, vscode.l10n.t('Removed jobs: {0}.', result.done.length));
}

async function showJob(context: CommandContext, { id, queue }: JobRow): Promise<void> {
  const detail = await context.agent.client.request(requests.job, { id, queue });
  await context.documents.show(`/job/${queue}/${id}.json`, `${JSON.stringify(detail, null, 2)}\n`);
}

function queueOf(node: unknown): string | undefined {
  if (node instanceof QueueNode) return node.name;
  if (node instanceof JobGroupNode) return node.parent.name;
  return node instanceof JobNode ? node.queue : undefined;
}
