import * as vscode from 'vscode';
import { runsAlready } from '../../agent/protocol/alreadyRunning.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import { COMMANDS } from '../contributions.ts';
import { CallsUnderWay } from '../model/callsUnderWay.ts';
import { isConnected } from '../model/selectors.ts';
import { decisionSentence } from '../present/decisionText.ts';
import { alreadyRunningText, underWayText } from '../present/streamAnswers.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { confirmInterruption } from './confirmInterruption.ts';
import { chosenShards, chosenStreams, type ShardRef } from './streamPicks.ts';
import { tellDecision } from './tell.ts';

type StreamCommand =
  | typeof COMMANDS.streamStart
  | typeof COMMANDS.streamStop
  | typeof COMMANDS.streamRestart
  | typeof COMMANDS.streamResume
  | typeof COMMANDS.streamRotate;

/** How long a message stays in the status bar. */
const SHOWN_MS = 4_000;

export function streamCommands(context: CommandContext): Pick<CommandHandlers, StreamCommand> {
  const calls = new StreamCalls(context);
  return {
    [COMMANDS.streamStart]: async (node, selection) => {
      const title = vscode.l10n.t('Start Stream');
      const names = await chosenStreams(context, title, 'any', node, selection);
      for (const name of names) await calls.start(title, name);
    },
    [COMMANDS.streamStop]: async (node, selection) => {
      const title = vscode.l10n.t('Stop Stream');
      const names = await chosenStreams(context, title, 'wanted', node, selection);
      if (!(await confirmInterruption('stop', interrupted(context, names)))) return;
      for (const name of names)
        await calls.ask(title, name, (client) => client.request(requests.stopStream, { name }));
    },
    [COMMANDS.streamRestart]: async (node, selection) => {
      const title = vscode.l10n.t('Restart Stream');
      const names = await chosenStreams(context, title, 'any', node, selection);
      if (!(await confirmInterruption('restart', interrupted(context, names)))) return;
      for (const name of names)
        await calls.ask(title, name, (client) => client.request(requests.restartStream, { name }));
    },
    [COMMANDS.streamResume]: async (node, selection) => {
      const title = vscode.l10n.t('Resume Suspended Connections');
      for (const shard of await chosenShards(context, title, 'suspended', node, selection))
        await calls.ask(title, nameOf(shard), (client) =>
          client.request(requests.resumeStream, shard),
        );
    },
    [COMMANDS.streamRotate]: async (node, selection) => {
      const title = vscode.l10n.t('Rotate Connections Now');
      for (const shard of await chosenShards(context, title, 'connected', node, selection))
        await calls.ask(title, nameOf(shard), (client) =>
          client.request(requests.rotateStream, shard),
        );
    },
  };
}

/** Those of the streams that have a connection to lose. */
function interrupted(context: CommandContext, names: readonly string[]) {
  const streams = context.data.store.rows('streams');
  return names.flatMap((name) => streams.get(name) ?? []).filter(isConnected);
}

function nameOf({ name, shard }: ShardRef): string {
  return shard === undefined ? name : `${name} ${shard}`;
}

type Client = CommandContext['agent']['client'];

/** Calls about streams, each once: a second click is told that the first is under way. */
class StreamCalls {
  private readonly underWay: CallsUnderWay;

  constructor(private readonly context: CommandContext) {
    this.underWay = new CallsUnderWay(() => performance.now());
  }

  /** A stream that this window knows to run, here or elsewhere, is not even asked for. */
  async start(title: string, name: string): Promise<void> {
    const { data, agent } = this.context;
    const stream = data.store.rows('streams').get(name);
    if (stream !== undefined && runsAlready(stream) && !agent.isStale) {
      const text = alreadyRunningText(stream, data.time.now(), data.t);
      void vscode.window.showInformationMessage(text);
      return;
    }
    await this.ask(title, name, (client) => client.request(requests.startStream, { name }));
  }

  async ask(
    title: string,
    about: string,
    call: (client: Client) => Promise<Decision>,
  ): Promise<void> {
    const { agent, data } = this.context;
    const ageMs = this.underWay.ageMs(title, about);
    if (ageMs !== undefined) {
      void vscode.window.showInformationMessage(underWayText(title, about, ageMs, data.t));
      return;
    }
    const accepted = (decision: Decision) => decision.outcome === 'accepted';
    const ask = () => call(agent.client);
    await this.report(await this.underWay.run(title, about, ask, accepted));
  }

  /** What the view shows in a moment needs no notification; a refusal does. */
  private async report(decision: Decision): Promise<void> {
    const { time, t } = this.context.data;
    if (decision.outcome !== 'accepted') return tellDecision(this.context, decision);
    vscode.window.setStatusBarMessage(decisionSentence(decision, time.now(), t), SHOWN_MS);
  }
}
