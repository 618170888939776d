import type { Decision } from '../../protocol/decision.ts';
import type { StoryLine } from './storyRecord.ts';

/** What the product decided about jobs whose holder was lost, as lines of a story. */
export function takeoverLines({ action, reason }: Decision): Promise<StoryLine[]> {
  if (action !== 'takeover') return Promise.resolve([]);
  const why =
    reason === 'holder_dead' ? 'its holder is proven dead' : 'its lock ended without renewal';
  return Promise.resolve([
    { actor: 'interlock', text: `takes the job over: ${why}`, tone: 'good', fact: null },
  ]);
}
