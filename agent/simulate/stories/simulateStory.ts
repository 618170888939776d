import type { StoryName, StoryResult } from '../../protocol/api.ts';
import { doubleScheduler } from './doubleScheduler.ts';
import { frozenHolder } from './frozenHolder.ts';
import { lockTimeout } from './lockTimeout.ts';
import { pageRefresh } from './pageRefresh.ts';
import { stacking } from './stacking.ts';
import { Stage, type StoryOptions } from './stage.ts';
import type { Story } from './story.ts';
import { workerCrash } from './workerCrash.ts';

const STORIES: Record<StoryName, Story> = {
  'page-refresh': pageRefresh,
  'double-scheduler': doubleScheduler,
  stacking,
  'lock-timeout': lockTimeout,
  'worker-crash': workerCrash,
  'frozen-holder': frozenHolder,
};

/** One second of real time is so many of the story. */
export function timeScaleOf(story: StoryName): number {
  return STORIES[story].time.scale;
}

/**
 * Plays a story with real processes on the real Redis, in a key space that is removed afterwards:
 * with the services of the product, or in naive mode as the systems did it that had the bug.
 * @throws InterlockError `redis_unreachable`, `timeout`, `not_supported_yet` where processes can not
 *   be frozen, `conflict` when `signal` aborts
 */
export async function simulateStory(
  params: { story: StoryName; naive: boolean },
  options: StoryOptions,
): Promise<StoryResult> {
  const story = STORIES[params.story];
  const startMs = options.clock.monotonic();
  const stage = await Stage.open(story, options);
  try {
    await (params.naive ? story.playNaive(stage) : story.playProtected(stage));
    await stage.end();
    const timeline = await stage.finish();
    return {
      ...params,
      ...story.judge(stage.records, params.naive),
      ...{ timeline, timeScale: story.time.scale },
      ms: Math.round(options.clock.monotonic() - startMs),
    };
  } finally {
    await stage.close();
  }
}
