import assert from 'node:assert/strict';
import {
  formatStoryTime,
  storyEndText,
  storyHeading,
  storyLine,
} from '../../../../../agent/cli/text/storyText.ts';
import { styleFor } from '../../../../../agent/cli/text/style.ts';
import type { StoryResult } from '../../../../../agent/protocol/api.ts';

const plain = styleFor(false, {});
const coloured = styleFor(true, {});

const result: StoryResult = {
  ...{ story: 'stacking', naive: false, bug: false, verdict: 'run, skip, skip, run.' },
  ...{ figures: { slots: 4, mostQueuedOrRunning: 1 }, timeline: [], timeScale: 50, ms: 7_460 },
};

describe('the text of a story', () => {
  it('tells times as the story has them', () => {
    assert.equal(formatStoryTime(90_000, 50), '01:30');
    assert.equal(formatStoryTime(36 * 60_000, 600), '36:00');
    assert.equal(formatStoryTime(1_305, 1), ' 1.305 s');
  });

  it('has a line for each event, what is bad in its colour', () => {
    const event = { atMs: 90_000, actor: 'agent 1', text: 'skipped', tone: 'bad' as const };
    assert.equal(storyLine(event, 50, plain), '01:30  agent 1       skipped');
    assert.ok(storyLine(event, 50, coloured).endsWith(coloured.bad('skipped')));
  });

  it('says how it is played', () => {
    assert.equal(
      storyHeading('stacking', true, plain),
      'stacking, without protection: a job that takes longer than its interval',
    );
  });

  it('ends with the verdict and the figures', () => {
    assert.equal(
      storyEndText(result, plain),
      [
        '',
        'The promise held. run, skip, skip, run.',
        'slots 4, most queued or running 1. It took 7.5 s, 1 s of it was 50 s of the story.',
      ].join('\n'),
    );
  });

  it('says plainly what should not be', () => {
    const broken = storyEndText({ ...result, bug: true }, coloured);
    assert.ok(broken.includes(coloured.bad('The promise was broken. run, skip, skip, run.')));
    const naive = storyEndText({ ...result, naive: true }, coloured);
    assert.match(naive, /Without protection, and yet the bug did not show\./);
    const shown = storyEndText({ ...result, naive: true, bug: true }, plain);
    assert.match(shown, /Without protection the bug shows\./);
  });
});
