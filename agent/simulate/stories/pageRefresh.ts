import * as z from 'zod';
import { countOutcomes, mostAtOneTime } from './counting.ts';
import { handlerFile } from './handlerFile.ts';
import type { Stage } from './stage.ts';
import type { Story } from './story.ts';
import { factsOf, type StoryRecord } from './storyRecord.ts';

const STREAM = 'ltp';
const PROCESSES = 3;
/** Clicks at one time in each process: two windows, or a double click. */
const CLICKS_AT_ONCE = 2;
/** Later refreshes of the page. */
const LATER_CLICKS = 2;
const CLICKS = PROCESSES * CLICKS_AT_ONCE + LATER_CLICKS;

/** Refreshes of a page that shows live prices: each asks for the same stream, in several processes. */
export const pageRefresh: Story = {
  name: 'page-refresh',
  time: { scale: 1, resolutionMs: 1 },

  async playNaive(stage) {
    const feedUrl = await startFeed(stage);
    const pages = await startProcesses((name) =>
      stage.start(name, 'naivePages', { stream: STREAM, feedUrl }),
    );
    await stage.begin();
    const click = clicker();
    const first = pages.flatMap((page) => click(page, CLICKS_AT_ONCE));
    // Both clicks of each process have looked, none has created: that is the gap.
    await answered(stage, PROCESSES * CLICKS_AT_ONCE);
    await Promise.all(pages.map((page) => page.do('endGap')));
    await Promise.all(first);
    await Promise.all(pages.slice(0, LATER_CLICKS).flatMap((page) => click(page, 1)));
    await answered(stage, CLICKS);
    await stage.until('the sockets', (records) =>
      opened(records) === PROCESSES * CLICKS_AT_ONCE ? true : undefined,
    );
  },

  async playProtected(stage) {
    const url = await startFeed(stage);
    // Not before somebody asks for it.
    await stage.redis.hset(stage.keys.wantedStreams, STREAM, 'stopped');
    const config = {
      jobs: { store_ticks: { handler: handlerFile(), isolation: 'inline' } },
      streams: { [STREAM]: { url, symbols: ['NSE:RELIANCE25JULFUT'], job: 'store_ticks' } },
    };
    const agents = await startProcesses((name) => stage.start(name, 'agent', { config }));
    await stage.begin();
    const click = clicker();
    await Promise.all(agents.flatMap((agent) => click(agent, CLICKS_AT_ONCE)));
    await stage.until('the socket', (records) => (opened(records) > 0 ? true : undefined));
    await Promise.all(agents.slice(0, LATER_CLICKS).flatMap((agent) => click(agent, 1)));
    await answered(stage, CLICKS);
    // Agents look again whether they should run a stream: nobody opens a second socket then either.
    await stage.pass(LOOK_AGAIN_MS);
  },

  judge(records) {
    const sockets = opened(records);
    const most = mostAtOneTime(
      factsOf(records, 'socket').map(({ change }) => (change === 'opened' ? 1 : -1)),
    );
    const bug = most > 1;
    return {
      bug,
      verdict: bug
        ? `${CLICKS} refreshes in ${PROCESSES} processes opened ${sockets} sockets for one stream, ${most} at one time: each price comes ${most} times.`
        : `${CLICKS} refreshes in ${PROCESSES} processes opened ${sockets === 1 ? 'one socket' : `${sockets} sockets, never two at one time`}; all others were answered already_running.`,
      figures: {
        refreshes: factsOf(records, 'asked').length,
        processes: PROCESSES,
        socketsOpened: sockets,
        mostSocketsAtOneTime: most,
        ...countOutcomes(records),
      },
    };
  },
};

/** Longer than the agents' interval for that. */
const LOOK_AGAIN_MS = 1_200;

interface Clickable {
  do(command: string, args?: { stream: string; click: number }): Promise<unknown>;
}

/** Clicks with numbers that go on. */
function clicker() {
  let last = 0;
  return (page: Clickable, count: number): Promise<unknown>[] =>
    Array.from({ length: count }, () => page.do('click', { stream: STREAM, click: ++last }));
}

async function startFeed(stage: Stage): Promise<string> {
  const feed = await stage.start('feed server', 'feed');
  return z.string().parse(await feed.do('url'));
}

function startProcesses<T>(start: (name: string) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: PROCESSES }, (_, i) => start(`process ${i + 1}`)));
}

function answered(stage: Stage, count: number): Promise<true> {
  return stage.until(`${count} answers`, (records) =>
    factsOf(records, 'asked').length >= count ? true : undefined,
  );
}

function opened(records: readonly StoryRecord[]): number {
  return factsOf(records, 'socket').filter(({ change }) => change === 'opened').length;
}
