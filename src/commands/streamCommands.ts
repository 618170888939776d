import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import type { StreamRow } from '../../agent/protocol/model.ts';
import { COMMANDS } from '../contributions.ts';
import { sortedByName } from '../model/selectors.ts';
import { formatAgo } from '../present/age.ts';
import { describeHolder } from '../present/holderText.ts';
import { describeStream } from '../present/streamText.ts';
import { StreamNode } from '../views/nodes/streamNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { nodesOf, pickOne } from './quickPick.ts';
import { tellDecision } from './tell.ts';

type StreamCommand =
  typeof COMMANDS.streamStart | typeof COMMANDS.streamStop | typeof COMMANDS.streamRestart;

export function streamCommands(context: CommandContext): Pick<CommandHandlers, StreamCommand> {
  return {
    [COMMANDS.streamStart]: async (node, selection) => {
      const title = vscode.l10n.t('Start Stream');
      for (const name of await chosenStreams(context, title, node, selection)) {
        await startStream(context, name);
      }
    },
    [COMMANDS.streamStop]: async (node, selection) => {
      const title = vscode.l10n.t('Stop Stream');
      for (const name of await chosenStreams(context, title, node, selection)) {
        await report(context, await context.agent.client.request(requests.stopStream, { name }));
      }
    },
    [COMMANDS.streamRestart]: async (node, selection) => {
      const title = vscode.l10n.t('Restart Stream');
      for (const name of await chosenStreams(context, title, node, selection)) {
        await report(context, await context.agent.client.request(requests.restartStream, { name }));
      }
    },
  };
}

/** A stream that this window knows to run is not even asked for. */
async function startStream(context: CommandContext, name: string): Promise<void> {
  const stream = context.data.store.rows('streams').get(name);
  if (stream !== undefined && runsAlready(stream) && !context.agent.isStale) {
    void vscode.window.showInformationMessage(alreadyRunning(context, stream));
    return;
  }
  await report(context, await context.agent.client.request(requests.startStream, { name }));
}

function runsAlready(stream: StreamRow): boolean {
  return (
    stream.wanted === 'running' && (stream.state === 'running' || stream.state === 'elsewhere')
  );
}

function alreadyRunning(context: CommandContext, stream: StreamRow): string {
  const { t, time } = context.data;
  const where = stream.holder === null ? '' : describeHolder(stream.holder, t);
  const since = formatAgo(stream.startedAt, time.now(), t);
  const facts = [where, since === '' ? '' : t('started {0}', since)].filter((fact) => fact !== '');
  const sentence = t('Stream {0} is already running', stream.name);
  return facts.length === 0 ? `${sentence}.` : `${sentence} (${facts.join(', ')}).`;
}

/** What the view shows in a moment needs no notification; a refusal does. */
async function report(
  context: CommandContext,
  decision: Parameters<typeof tellDecision>[1],
): Promise<void> {
  if (decision.outcome !== 'accepted') await tellDecision(context, decision);
}

async function chosenStreams(
  context: CommandContext,
  title: string,
  node: unknown,
  selection: readonly unknown[],
): Promise<string[]> {
  const nodes = nodesOf(StreamNode, node, selection);
  if (nodes.length > 0) return nodes.map(({ name }) => name);
  const streams = sortedByName(context.data.store.rows('streams'));
  const only = streams[0];
  if (only !== undefined && streams.length === 1) return [only.name];
  const choices = streams.map((stream) => ({
    label: stream.name,
    description: describeStream(stream, undefined, context.data.t),
    value: stream.name,
  }));
  const name = await pickOne(title, choices);
  return name === undefined ? [] : [name];
}
