import assert from 'node:assert/strict';
import { startStream } from '../../../../agent/cli/startStream.ts';
import { decisionText } from '../../../../agent/cli/text/decisionText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { systemClock } from '../../../../agent/common/clock.ts';
import type { AgentClient } from '../../../../agent/protocol/agentClient.ts';
import { decision as decisionSchema } from '../../../../agent/protocol/decision.ts';
import type { StreamRow } from '../../../../agent/protocol/model.ts';
import { decision, NOW_MS, streamRow } from './rows.ts';

const clock = { ...systemClock, now: () => NOW_MS };

/** Answers with these streams, and notes what it was asked. */
function fakeClient(rows: StreamRow[]): { client: AgentClient; asked: string[] } {
  const asked: string[] = [];
  const client = {
    request: (definition: { method: string }) => {
      asked.push(definition.method);
      return Promise.resolve(definition.method === 'streams/list' ? rows : decision());
    },
  };
  return { client: client as unknown as AgentClient, asked };
}

describe('starting a stream from the command line', () => {
  for (const state of ['running', 'elsewhere'] as const) {
    it(`does not even call for one that is ${state}, and says who runs it since when`, async () => {
      const { client, asked } = fakeClient([streamRow({ state })]);
      const answer = await startStream(client, 'nse', clock);
      assert.deepEqual(asked, ['streams/list']);
      assert.deepEqual(decisionSchema.parse(answer), answer, 'it is a decision as any other');
      assert.equal(answer.outcome, 'already_running');
      assert.equal(answer.holder?.pid, 4711);
      assert.equal(
        decisionText(answer, NOW_MS, styleFor(false, {})),
        'Stream nse is already running: it has been running for 1 min on devbox:4711 (rule: lease_held).\n' +
          'Nothing is to be done: it runs. To begin anew, restart it.',
      );
    });
  }

  it('calls for one that does not run, that waits or sleeps, and that the agent does not know', async () => {
    for (const row of [
      streamRow({ state: 'stopped', wanted: 'stopped' }),
      // It is about to end: the person wants it back.
      streamRow({ state: 'running', wanted: 'stopped' }),
      streamRow({ state: 'waiting' }),
      streamRow({ state: 'sleeping' }),
      streamRow({ name: 'other' }),
    ]) {
      const { client, asked } = fakeClient([row]);
      await startStream(client, 'nse', clock);
      assert.deepEqual(asked, ['streams/list', 'streams/start']);
    }
  });
});
