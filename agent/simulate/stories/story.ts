import type { StoryName, StoryResult } from '../../protocol/api.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { Stage } from './stage.ts';
import type { StoryLine, StoryRecord } from './storyRecord.ts';
import type { StoryTime } from './timeline.ts';

/** What came out of a story. */
export type Outcome = Pick<StoryResult, 'bug' | 'verdict' | 'figures'>;

export interface Story {
  name: StoryName;
  time: StoryTime;
  /** Plays it without protection, as the systems did that it is taken from. */
  playNaive(stage: Stage): Promise<void>;
  /** Plays it with the services of the product. */
  playProtected(stage: Stage): Promise<void>;
  /** What a decision of the product is in this story; left out: nothing. */
  lineOf?: (decision: Decision, atMs: number, stage: Stage) => Promise<StoryLine[]>;
  judge(records: readonly StoryRecord[], naive: boolean): Outcome;
}
