import type { Command } from 'commander';
import * as z from 'zod';
import type { AgentClient } from '../../protocol/agentClient.ts';
import { requests } from '../../protocol/api.ts';
import type { Decision } from '../../protocol/decision.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import { wholeNumber } from '../flags.ts';
import type { CliSession } from '../session.ts';
import { startStream } from '../startStream.ts';
import { decisionText } from '../text/decisionText.ts';
import { streamsText } from '../text/streamText.ts';
import { addSymbolCommands } from './symbolCommands.ts';

const MAX_SHARD = 1_000_000;

const input = z.object({ name: z.string().min(1) });
const shardInput = input.extend({ shard: wholeNumber(0, MAX_SHARD).optional() });
const shardOption: [string, string] = ['--shard <n>', 'only this connection'];

export function addStreamCommands(program: Command, run: CliRun): void {
  const streams = defineCommand(program, run, {
    name: 'streams',
    summary: 'list streams with the figures of each connection',
    input: z.object({}),
    async run(session) {
      const { rows, agentId } = await withAgent(session, async (client) => ({
        rows: await client.request(requests.streams, {}),
        agentId: client.record.agentId,
      }));
      const nowMs = session.io.clock.now();
      session.answer(rows, () => streamsText(rows, { nowMs, agentId }, session.style));
      return EXIT.done;
    },
  });
  addRunCommands(streams, run);
  addShardCommands(streams, run);
  addSymbolCommands(streams, run);
}

function addRunCommands(streams: Command, run: CliRun): void {
  defineCommand(streams, run, {
    name: 'start',
    summary: 'start a stream, and print the decision',
    args: ['<name>'],
    input,
    run: (session, { name }) =>
      decide(session, (client) => startStream(client, name, session.io.clock)),
  });
  for (const [name, request] of [
    ['stop', requests.stopStream],
    ['restart', requests.restartStream],
  ] as const) {
    defineCommand(streams, run, {
      name,
      summary: `${name} a stream, and print the decision`,
      args: ['<name>'],
      input,
      run: (session, params) => decide(session, (client) => client.request(request, params)),
    });
  }
}

function addShardCommands(streams: Command, run: CliRun): void {
  for (const [name, request, summary] of [
    ['resume', requests.resumeStream, 'try again what is suspended, and print the decision'],
    [
      'rotate',
      requests.rotateStream,
      'replace connections now, the new one first: no tick is lost',
    ],
  ] as const) {
    defineCommand(streams, run, {
      ...{ name, summary, args: ['<name>'], options: [shardOption], input: shardInput },
      run: (session, { name: stream, shard }) =>
        decide(session, (client) =>
          client.request(request, { name: stream, ...(shard === undefined ? {} : { shard }) }),
        ),
    });
  }
}

async function decide(
  session: CliSession,
  ask: (client: AgentClient) => Promise<Decision>,
): Promise<ExitCode> {
  const decision = await withAgent(session, ask);
  session.answer(decision, () => decisionText(decision, session.io.clock.now(), session.style));
  return EXIT.done;
}
