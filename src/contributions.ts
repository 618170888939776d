/** Every id of the manifest that code uses. A test holds this file and package.json together. */

export const COMMANDS = {
  agentStart: 'interlock.agent.start',
  agentStop: 'interlock.agent.stop',
  agentRestart: 'interlock.agent.restart',
  streamStart: 'interlock.stream.start',
  streamStop: 'interlock.stream.stop',
  streamRestart: 'interlock.stream.restart',
  streamResume: 'interlock.stream.resume',
  streamRotate: 'interlock.stream.rotate',
  symbolsAdd: 'interlock.symbols.add',
  symbolsRemove: 'interlock.symbols.remove',
  jobEnqueue: 'interlock.job.enqueue',
  jobRequeue: 'interlock.job.requeue',
  jobRequeueAllFailed: 'interlock.job.requeueAllFailed',
  jobPromote: 'interlock.job.promote',
  jobRemove: 'interlock.job.remove',
  jobShow: 'interlock.job.show',
  jobReveal: 'interlock.job.reveal',
  jobExplainSkip: 'interlock.job.explainSkip',
  jobDebug: 'interlock.job.debug',
  jobRerunEdited: 'interlock.job.rerunEdited',
  debugNext: 'interlock.debug.next',
  debugNew: 'interlock.debug.new',
  payloadRun: 'interlock.payload.run',
  payloadDebug: 'interlock.payload.debug',
  payloadCompare: 'interlock.payload.compare',
  queuePause: 'interlock.queue.pause',
  queueResume: 'interlock.queue.resume',
  scheduleRun: 'interlock.schedule.run',
  schedulePause: 'interlock.schedule.pause',
  scheduleResume: 'interlock.schedule.resume',
  scheduleSkip: 'interlock.schedule.skip',
  simulateDuplicates: 'interlock.simulate.duplicates',
  simulateStory: 'interlock.simulate.story',
  runsHistory: 'interlock.runs.history',
  lockRelease: 'interlock.lock.release',
  lockShowDecisions: 'interlock.lock.showDecisions',
  lockCopyDetails: 'interlock.lock.copyDetails',
  orphansFind: 'interlock.orphans.find',
  listLoadMore: 'interlock.list.loadMore',
  logShow: 'interlock.log.show',
  configOpen: 'interlock.config.open',
  configCreate: 'interlock.config.create',
  configOpenRule: 'interlock.config.openRule',
  decisionShow: 'interlock.decision.show',
  decisionsFilter: 'interlock.decisions.filter',
  decisionsClearFilter: 'interlock.decisions.clearFilter',
} as const;

export type CommandId = (typeof COMMANDS)[keyof typeof COMMANDS];

export const COMMAND_IDS: readonly CommandId[] = Object.values(COMMANDS);

export const VIEWS = {
  streams: 'interlock.views.streams',
  jobs: 'interlock.views.jobs',
  schedules: 'interlock.views.schedules',
  locks: 'interlock.views.locks',
  decisions: 'interlock.views.decisions',
} as const;

export type ViewId = (typeof VIEWS)[keyof typeof VIEWS];

/** In launch.json. */
export const DEBUG_TYPE = 'interlock';

export const SETTINGS_SECTION = 'interlock';

export const SETTINGS = {
  redisUrl: 'redisUrl',
  nodePath: 'nodePath',
  stateFolder: 'stateFolder',
  autoStart: 'autoStart',
  agentIdleExit: 'agentIdleExit',
  deduplication: 'deduplication.enabled',
  aggressiveDeduplication: 'deduplication.aggressive',
  stackingPrevention: 'deduplication.stackingPrevention',
  debugOnStop: 'debug.onStop',
} as const;

/** Context keys with the value they have before anything is known. */
export const CONTEXT_DEFAULTS = {
  'interlock.state': 'stopped',
  'interlock.problem': 'none',
  'interlock.hasConfig': false,
  'interlock.decisionsFiltered': false,
} as const;

export type ContextKey = keyof typeof CONTEXT_DEFAULTS;

/** Kinds of tree rows with the marks they may carry, in the order in which marks are written. */
export const ROW_KINDS = {
  stream: ['wanted', 'stopped', 'suspended'],
  shardGroup: [],
  connection: ['suspended', 'live', 'other'],
  symbols: [],
  symbol: [],
  detail: [],
  queue: ['paused', 'open'],
  jobGroup: ['failed', 'other'],
  job: ['failed', 'delayed', 'active', 'other'],
  loadMore: [],
  schedule: ['open', 'paused', 'outside'],
  leaders: [],
  leader: [],
  lockGroup: [],
  lock: ['dead', 'orphaned', 'held', 'job'],
  decisionRun: [],
  decision: ['job', 'lock', 'rule', 'failed'],
} as const;

export type RowKind = keyof typeof ROW_KINDS;

/** `job+failed`: what `viewItem` is in `when` clauses. Never free text; marks in their order. */
export function contextValueOf<K extends RowKind>(
  kind: K,
  ...marks: (typeof ROW_KINDS)[K][number][]
): string {
  return [kind, ...marks].join('+');
}

/** Every kind of row with each of its marks, and with all of them. */
export function allContextValues(): string[] {
  return Object.entries(ROW_KINDS).flatMap(([kind, marks]) => [
    ...(marks.length === 0 ? [kind] : marks.map((mark) => `${kind}+${mark}`)),
    [kind, ...marks].join('+'),
  ]);
}
