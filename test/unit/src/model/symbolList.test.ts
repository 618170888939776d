import assert from 'node:assert/strict';
import { systemClock } from '../../../../agent/common/clock.ts';
import type { AgentClient } from '../../../../agent/protocol/agentClient.ts';
import type { SymbolRow } from '../../../../agent/protocol/model.ts';
import { SymbolList } from '../../../../src/model/symbolList.ts';
import { pagingClient } from '../fakeAgent.ts';

const symbols = (count: number, from = 0): SymbolRow[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ symbol: `S${from + index}`, name: `s${from + index}`, shard: 0, ticks: 0, gaps: 0 },
    lastTickAt: null,
  }));

/** Symbols that an agent has, and a list of them with a clock that the test moves. */
function setUp(count: number) {
  const time = { ms: 0 };
  const agent = { rows: symbols(count) };
  const { client, asked } = pagingClient(() => agent.rows);
  const clock = { ...systemClock, monotonic: () => time.ms };
  return { list: new SymbolList(() => client, clock), agent, asked, client, time };
}

describe('the symbols of a shard', () => {
  it('are read when they are opened, a page at a time', async () => {
    const { list, asked, client } = setUp(250);
    const pages = list.of('nse', 3);
    await pages.prepare(250);
    assert.equal(pages.rows.length, 100);
    assert.equal(pages.remaining, 150);
    assert.deepEqual(asked, [{ name: 'nse', shard: 3, offset: 0, limit: 100 }]);
    await pages.load(client);
    await pages.load(client);
    assert.equal(pages.rows.length, 250);
    assert.equal(pages.remaining, 0);
    assert.equal(list.of('nse', 3), pages);
    assert.notEqual(list.of('nse', 4), pages);
  });

  it('are not read again while they are fresh, and behind what is shown when they are old', async () => {
    const { list, asked, agent, time } = setUp(2);
    const pages = list.of('nse', 0);
    await pages.prepare(2);
    time.ms = 5_000;
    assert.equal(pages.prepare(2), undefined);
    assert.equal(asked.length, 1);
    agent.rows = agent.rows.map((row) => ({ ...row, ticks: 7 }));
    time.ms = 5_001;
    assert.equal(pages.prepare(2), undefined, 'the old ones are shown meanwhile');
    await new Promise(setImmediate);
    assert.equal(pages.find('S1')?.ticks, 7);
    assert.equal(asked.length, 2);
  });

  it('are waited for when there are more or fewer now, as many as were known', async () => {
    const { list, agent, asked, client } = setUp(2_300);
    const pages = list.of('nse', 0);
    await pages.prepare(2_300);
    for (let page = 0; page < 14; page++) await pages.load(client);
    assert.equal(pages.rows.length, 1_500);
    agent.rows = symbols(2_200, 100);
    asked.length = 0;
    await pages.prepare(2_200);
    assert.equal(pages.rows[0]?.symbol, 'S100');
    assert.equal(pages.rows.length, 1_500);
    assert.deepEqual(
      asked.map(({ offset, limit }) => [offset, limit]),
      [
        [0, 1_000],
        [1_000, 500],
      ],
    );
  });

  it('are asked for once at a time', async () => {
    const { list, asked } = setUp(2);
    const pages = list.of('nse', 0);
    await Promise.all([pages.prepare(2), pages.prepare(2)]);
    assert.equal(asked.length, 1);
  });

  it('stay as they are when there is no agent', async () => {
    const list = new SymbolList((): AgentClient => {
      throw new Error('no agent');
    }, systemClock);
    const pages = list.of('nse', 0);
    await pages.prepare(2);
    assert.deepEqual(pages.rows, []);
  });
});
