import assert from 'node:assert/strict';
import type { StoryEvent } from '../../../../../agent/protocol/api.ts';
import { REORDER_MS, Timeline } from '../../../../../agent/simulate/stories/timeline.ts';

const ZERO_MS = 1_000_000;

describe('the timeline of a story', () => {
  const open = (time = { scale: 1, resolutionMs: 1 }) => {
    const told: StoryEvent[] = [];
    const timeline = new Timeline(time, (event) => told.push(event));
    const add = (text: string, atMs: number, arrivedMs: number) =>
      timeline.add(
        { actor: 'agent 1', text, tone: 'neutral', fact: null, atMs: ZERO_MS + atMs },
        arrivedMs,
      );
    return { told, timeline, add, texts: () => told.map(({ text }) => text) };
  };

  it('tells nothing before the story begins, and nothing before its turn', () => {
    const { timeline, add, texts } = open();
    add('first', 5, 0);
    timeline.tell(REORDER_MS);
    assert.deepEqual(texts(), []);
    timeline.begin(ZERO_MS);
    timeline.tell(REORDER_MS - 1);
    assert.deepEqual(texts(), []);
    timeline.tell(REORDER_MS);
    assert.deepEqual(texts(), ['first']);
  });

  it('tells what came late and happened before in its place', () => {
    const { timeline, add, texts } = open();
    timeline.begin(ZERO_MS);
    add('second', 20, 0);
    add('third', 30, 10);
    add('first', 10, 150);
    timeline.tell(REORDER_MS);
    assert.deepEqual(texts(), ['first', 'second']);
    timeline.tell(REORDER_MS + 10);
    assert.deepEqual(texts(), ['first', 'second', 'third']);
  });

  it('keeps the order of lines of one moment', () => {
    const { timeline, add, texts } = open();
    timeline.begin(ZERO_MS);
    for (const text of ['a', 'b', 'c']) add(text, 7, 0);
    timeline.tell(REORDER_MS);
    assert.deepEqual(texts(), ['a', 'b', 'c']);
  });

  it('tells the rest at the end, each line once, and returns the whole story', () => {
    const { timeline, add, texts } = open();
    timeline.begin(ZERO_MS);
    add('first', 1, 0);
    timeline.tell(REORDER_MS);
    add('second', 2, 10_000);
    const whole = timeline.finish();
    assert.deepEqual(texts(), ['first', 'second']);
    assert.deepEqual(
      whole.map(({ text }) => text),
      ['first', 'second'],
    );
  });

  it('tells times of the story, in whole multiples of its resolution', () => {
    const { timeline, add } = open({ scale: 50, resolutionMs: 10_000 });
    timeline.begin(ZERO_MS);
    add('before it began', -40, 0);
    add('01:30 and a little', 1_830, 0);
    add('03:00, a little early', 3_590, 0);
    assert.deepEqual(
      timeline.finish().map(({ atMs }) => atMs),
      [0, 90_000, 180_000],
    );
  });
});
