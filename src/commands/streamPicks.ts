import * as vscode from 'vscode';
import type { StreamRow } from '../../agent/protocol/model.ts';
import { isConnected, sortedByName, suspendedStreams } from '../model/selectors.ts';
import { describeStream } from '../present/streamText.ts';
import { ConnectionNode } from '../views/nodes/connectionNode.ts';
import { StreamNode } from '../views/nodes/streamNode.ts';
import type { CommandContext } from './commandContext.ts';
import { nodesOf, pickOne } from './quickPick.ts';

/** A stream, or one shard of it. */
export interface ShardRef {
  name: string;
  shard?: number;
}

type Fitting = 'any' | 'wanted' | 'suspended' | 'connected';

/** The streams of the rows that a command was invoked on, or the one that the person picks. */
export async function chosenStreams(
  context: CommandContext,
  title: string,
  fitting: Fitting,
  node: unknown,
  selection: readonly unknown[],
): Promise<string[]> {
  const nodes = nodesOf(StreamNode, node, selection);
  if (nodes.length > 0) return nodes.map(({ name }) => name);
  const all = sortedByName(context.data.store.rows('streams'));
  const streams = all.filter((stream) => fits(stream, fitting));
  const only = streams[0];
  if (only !== undefined && all.length === 1) return [only.name];
  if (streams.length === 0) {
    void vscode.window.showInformationMessage(nothingText(fitting, all.length));
    return [];
  }
  const { time, t } = context.data;
  const choices = streams.map((stream) => ({
    label: stream.name,
    description: describeStream(stream, undefined, time.now(), t),
    value: stream.name,
  }));
  const name = await pickOne(title, choices);
  return name === undefined ? [] : [name];
}

/** The shards of the rows, or whole streams. What is not as it must be is told, and not asked for. */
export async function chosenShards(
  context: CommandContext,
  title: string,
  fitting: 'suspended' | 'connected',
  node: unknown,
  selection: readonly unknown[],
): Promise<ShardRef[]> {
  const shards = nodesOf(ConnectionNode, node, selection);
  const fittingShards = shards.filter(({ connection }) =>
    fitting === 'suspended'
      ? connection?.state === 'suspended'
      : connection?.state === 'live' || connection?.state === 'stale',
  );
  if (fittingShards.length > 0)
    return fittingShards.map(({ stream, shard }) => ({ name: stream, shard }));
  if (shards.length === 0) {
    const names = await chosenStreams(context, title, fitting, node, selection);
    const streams = context.data.store.rows('streams');
    const refs = names.filter((name) => {
      const stream = streams.get(name);
      return stream !== undefined && fits(stream, fitting);
    });
    if (refs.length > 0 || names.length === 0) return refs.map((name) => ({ name }));
  }
  void vscode.window.showInformationMessage(nothingText(fitting, shards.length + 1));
  return [];
}

function fits(stream: StreamRow, fitting: Fitting): boolean {
  switch (fitting) {
    case 'any':
      return true;
    case 'wanted':
      return stream.wanted === 'running';
    case 'suspended':
      return suspendedStreams([stream]).length > 0;
    case 'connected':
      return isConnected(stream);
  }
}

function nothingText(fitting: Fitting, declared: number): string {
  if (declared === 0) return vscode.l10n.t('No stream is declared.');
  switch (fitting) {
    case 'any':
    case 'wanted':
      return vscode.l10n.t('No stream is running.');
    case 'suspended':
      return vscode.l10n.t('No connection is suspended.');
    case 'connected':
      return vscode.l10n.t('No connection is live.');
  }
}
