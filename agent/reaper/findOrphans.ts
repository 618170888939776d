import { formatDuration } from '../common/duration.ts';
import { labelOfDeduplicationId } from '../jobs/uniqueKey.ts';
import type { DeadLease } from '../leases/lease.ts';
import type { Orphan } from '../protocol/api.ts';
import type { Holder } from '../protocol/decision.ts';
import type {
  AdmissionFact,
  AgentFact,
  DedupFact,
  JobFate,
  OrphanFacts,
  RunFact,
} from './orphanFacts.ts';
import { planTakeovers, type Takeover, type TakeoverView } from './takeoverDecision.ts';

/** How an orphan goes, with what its script proves again. */
export type Removal =
  | { how: 'lease'; lease: DeadLease }
  | { how: 'dedup'; fact: DedupFact }
  | { how: 'admission'; fact: AdmissionFact }
  | { how: 'run'; fact: RunFact }
  | { how: 'agent'; fact: AgentFact }
  | { how: 'job'; takeover: Takeover };

export interface FoundOrphan {
  orphan: Omit<Orphan, 'removed'>;
  /** What the decision about it is about: a job type, a lease, an agent. */
  subject: string;
  /** The uniqueness key, for people. */
  key: string | null;
  jobId: string | null;
  holder: Holder | null;
  /** null: it is told, and left to its owner. */
  removal: Removal | null;
}

/** An agent on another host is taken for gone when it has not written its entry for so long. */
export const AGENT_SILENCE_MS = 60_000;

const FATES: Record<JobFate, string> = {
  gone: 'is not in Redis any more',
  finished: 'has ended',
};

/** Decides what of the facts belongs to nobody, and says why. Age alone makes no orphan. */
export function findOrphans(facts: OrphanFacts, view: TakeoverView): FoundOrphan[] {
  return [
    ...facts.leases.map(orphanLease),
    ...facts.dedups.map((fact) => orphanDedup(fact, facts.declaredQueues)),
    ...facts.admissions.map(orphanAdmission),
    ...facts.runs.map(orphanRun),
    ...facts.agents.flatMap((fact) => orphanAgent(fact, facts)),
    ...stuckJobs(facts, view),
  ];
}

function orphanLease(lease: DeadLease): FoundOrphan {
  return {
    ...{ subject: lease.name, key: null, jobId: null, holder: lease.holder },
    removal: { how: 'lease', lease },
    orphan: {
      ...{ kind: 'lease', name: lease.name, subject: lease.subject },
      why: `Its holder, ${processText(lease.holder)}, is gone, and nobody has taken it over.`,
    },
  };
}

function orphanDedup(fact: DedupFact, declared: ReadonlySet<string>): FoundOrphan {
  const label = labelOfDeduplicationId(fact.id);
  const type = fact.id.split('|', 1)[0] ?? fact.id;
  const isOurs = declared.has(fact.queue);
  const left = isOurs ? '' : ` ${leftAlone(fact.queue)}`;
  return {
    ...{ subject: type, key: label, jobId: fact.jobId, holder: null },
    removal: isOurs ? { how: 'dedup', fact } : null,
    orphan: {
      ...{ kind: 'dedup', name: fact.key, subject: `${type} [${label}]` },
      why: `Its job ${fact.jobId} ${FATES[fact.fate]}, so it would keep others out for ever.${left}`,
    },
  };
}

function orphanAdmission(fact: AdmissionFact): FoundOrphan {
  return {
    ...{ subject: fact.type, key: null, jobId: fact.jobId, holder: null },
    removal: { how: 'admission', fact },
    orphan: {
      ...{ kind: 'admission', name: `admitted:${fact.type} ${fact.jobId}`, subject: fact.type },
      why: `It takes a place under maxConcurrent, and its job ${fact.jobId} ${FATES[fact.fate]}.`,
    },
  };
}

function orphanRun(fact: RunFact): FoundOrphan {
  const { type, field, jobId } = fact;
  // Without a uniqueness rule the job's own id is the field.
  const key = field === jobId ? null : labelOfDeduplicationId(`${type}|${field}`);
  return {
    ...{ subject: type, key, jobId, holder: null, removal: { how: 'run', fact } },
    orphan: {
      ...{ kind: 'running', name: `running:${type} ${field}`, subject: type },
      why: `Job ${jobId} has no lock any more, so this run of it is over.`,
    },
  };
}

/** Its entry is needed until its jobs are taken over: it says whose their locks are. */
function orphanAgent(fact: AgentFact, { activeJobs }: OrphanFacts): FoundOrphan[] {
  const { entry, unchangedMs } = fact;
  const { holder, agentId } = entry;
  if (activeJobs.some(({ worker }) => worker === agentId)) return [];
  const isSilent = unchangedMs >= AGENT_SILENCE_MS;
  // Frozen for hours is not gone: where its process can be seen, that decides.
  if (holder?.alive === true || (holder?.alive !== false && !isSilent)) return [];
  const who = holder === null ? 'What it says can not be read' : capitalised(processText(holder));
  const why =
    holder?.alive === false
      ? `${who} is gone, and it has no job.`
      : `${who}; it has not been renewed for ${formatDuration(unchangedMs)}, and it has no job.`;
  return [
    {
      ...{ subject: agentId, key: null, jobId: null, holder, removal: { how: 'agent', fact } },
      orphan: { kind: 'agent', name: `agents ${agentId}`, subject: agentId, why },
    },
  ];
}

function stuckJobs({ activeJobs, declaredQueues }: OrphanFacts, view: TakeoverView): FoundOrphan[] {
  return planTakeovers(activeJobs, view).takeovers.map((takeover) => {
    const { job, reason } = takeover;
    const isOurs = declaredQueues.has(job.queue);
    const proof =
      reason === 'holder_dead'
        ? `Its agent ${job.worker} is gone`
        : `It counts as active and nobody holds its lock${job.worker === '' ? '' : ` (it was taken by ${job.worker})`}`;
    return {
      ...{ subject: job.type, key: null, jobId: job.id, holder: null },
      removal: isOurs ? { how: 'job', takeover } : null,
      orphan: {
        ...{ kind: 'stuck_job', name: `${job.queue}/${job.id}`, subject: job.type },
        why: isOurs
          ? `${proof}; it goes back into its queue.`
          : `${proof}. ${leftAlone(job.queue)}`,
      },
    };
  });
}

function leftAlone(queue: string): string {
  return `Queue "${queue}" is not declared in the config: it is left to its owner.`;
}

function processText(holder: Holder): string {
  return `process ${holder.pid} on ${holder.host}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
