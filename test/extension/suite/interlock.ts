import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as vscode from 'vscode';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { requests } from '../../../agent/protocol/api.ts';
import type { JobDetail, StateSnapshot } from '../../../agent/protocol/model.ts';
import { canonicalWorkspace, defaultStateFolder } from '../../../agent/protocol/stateFolder.ts';
import type { ExtensionState, InterlockApi, TreeRow } from '../../../src/api.ts';
import type { CommandId, ViewId } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';

const EXTENSION_ID = 'interlock.interlock';
/** Between two looks at the window, as a person would pause. */
const KEY_PAUSE_MS = 300;

const START_DEADLINE_MS = 30_000;

/** The API of the extension, activated. */
export async function interlock(): Promise<InterlockApi> {
  const extension = vscode.extensions.getExtension<InterlockApi>(EXTENSION_ID);
  if (extension === undefined) throw new Error(`${EXTENSION_ID} is not installed in this window`);
  return extension.activate();
}

/** Written where the benchmarks find it: `test-results/activation.json` of the project. */
export async function recordActivation(): Promise<number> {
  const { activationMs } = await interlock();
  recordResult('activation.json', { activationMs, vscode: vscode.version });
  return activationMs;
}

/** Written below `test-results` of the project, where the benchmarks find it. */
export function recordResult(file: string, result: object): void {
  const project = vscode.extensions.getExtension(EXTENSION_ID)?.extensionPath ?? '';
  const folder = path.join(project, 'test-results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, file), JSON.stringify(result));
}

export function workspaceFolder(): string {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error('This window has no folder');
  return canonicalWorkspace(folder.uri.fsPath);
}

export async function waitForState(state: ExtensionState): Promise<void> {
  const api = await interlock();
  await eventually(`the state ${state}`, () => check(api.state(), state), {
    deadlineMs: START_DEADLINE_MS,
  });
}

/** The window's own copy of the agent's state. */
export async function snapshot(): Promise<StateSnapshot> {
  const seen = (await interlock()).snapshot();
  if (seen === undefined) throw new Error('This window has seen no state yet');
  return seen;
}

/** Rows of a view as a person sees them, at any depth. */
export async function rowsOf(view: ViewId): Promise<TreeRow[]> {
  const flatten = (rows: TreeRow[]): TreeRow[] =>
    rows.flatMap((row) => [row, ...flatten(row.children)]);
  return flatten((await interlock()).treeOf(view));
}

/** How long a view takes from hidden to shown: the best of three, for other programs run as well. */
export async function openingMs(view: ViewId): Promise<number> {
  const took: number[] = [];
  while (took.length < 3) {
    await press('workbench.action.closeSidebar');
    const startedAt = performance.now();
    await press(`${view}.focus`);
    await rowsOf(view);
    took.push(performance.now() - startedAt);
  }
  return Math.min(...took);
}

/** A second client of the same agent, next to the extension. */
export async function withClient<T>(use: (client: AgentClient) => Promise<T>): Promise<T> {
  const record = readAgentRecord(defaultStateFolder(workspaceFolder()));
  if (record === undefined) throw new Error('No agent has written where it listens');
  const client = await AgentClient.connect(record, { kind: 'test', version: '0' });
  try {
    return await use(client);
  } finally {
    client.dispose();
  }
}

/** @returns the id of the job */
export async function enqueue(type: string, data: Record<string, string> = {}): Promise<string> {
  const [decision] = await withClient((client) => client.request(requests.enqueue, { type, data }));
  const id = decision?.jobId ?? undefined;
  if (id === undefined) throw new Error(`${type} was not enqueued: ${JSON.stringify(decision)}`);
  return id;
}

export function jobDetail(id: string): Promise<JobDetail> {
  return withClient((client) => client.request(requests.job, { id }));
}

export async function waitForJob(id: string, state: JobDetail['state']): Promise<JobDetail> {
  return eventually(`job ${id} to be ${state}`, async () => {
    const job = await jobDetail(id);
    check(job.state, state);
    return job;
  });
}

/**
 * Invokes a command from the palette's side, and answers what it asks with the first choice, until
 * the effect is there. Commands end when their message is dismissed, so nobody waits for their end.
 * @param keys what a person presses in each list: `pick` or `tick`
 */
export async function invoke(
  command: CommandId,
  keys: 'none' | 'pick' | 'tick',
  what: string,
  effect: () => unknown,
): Promise<void> {
  let ended = true;
  const done = () => {
    ended = true;
  };
  const start = () => {
    ended = false;
    vscode.commands.executeCommand(command).then(done, done);
  };
  start();
  await eventually(what, async () => {
    // Its list opens in the first pause: a key that is pressed too early would answer with nothing.
    await delay(KEY_PAUSE_MS);
    if (await answered(effect)) return true;
    if (ended) start();
    else await pressKeys(keys);
    return false;
  });
  await press('workbench.action.closeQuickOpen');
  await press('notifications.clearAll');
}

/** What the effect throws counts as "not yet". */
async function answered(effect: () => unknown): Promise<boolean> {
  try {
    return Boolean(await effect());
  } catch {
    return false;
  }
}

async function pressKeys(keys: 'none' | 'pick' | 'tick'): Promise<void> {
  if (keys === 'none') return;
  if (keys === 'tick') {
    await press('quickInput.next');
    await press('workbench.action.quickPickManyToggle');
  }
  await press('quickInput.accept');
}

async function press(command: string): Promise<void> {
  await vscode.commands.executeCommand(command);
}

function check<T>(actual: T, expected: T): true {
  if (actual === expected) return true;
  throw new Error(`it is ${String(actual)}`);
}
