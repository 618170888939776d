import assert from 'node:assert/strict';
import type { StoryResult } from '../../../../agent/protocol/api.ts';
import type { RunRow } from '../../../../agent/protocol/model.ts';
import { runsDocument } from '../../../../src/present/runText.ts';
import { storyDocument } from '../../../../src/present/storyText.ts';
import { textTable } from '../../../../src/present/textTable.ts';
import { at, holder, NOW_MS, plain } from '../rows.ts';

function story(fields: Partial<StoryResult> = {}): StoryResult {
  return {
    story: 'stacking',
    naive: false,
    bug: false,
    verdict: 'One run at a time.',
    figures: { runs: 2, 'most runs at one time': 1 },
    timeline: [
      { atMs: 0, actor: 'schedule', text: 'enqueues the job', tone: 'neutral' },
      { atMs: 90_000, actor: 'schedule', text: 'is refused: it runs', tone: 'good' },
    ],
    timeScale: 60,
    ms: 4_000,
    ...fields,
  };
}

describe('the result of a story', () => {
  it('is a verdict and a timeline', () => {
    const text = storyDocument([story()], plain);
    assert.match(text, /^# Simulated story: Stacking\n/);
    assert.match(text, /✓ One run at a time\./);
    assert.match(text, /\| 1 min 30 s \| ✓ +\| schedule \| is refused: it runs \|/);
    assert.match(text, /It took 4 s: one second was 60 seconds of the story\./);
  });

  it('puts the figures of both modes side by side', () => {
    const naive = story({ naive: true, bug: true, verdict: 'They pile up.', figures: { runs: 5 } });
    const text = storyDocument([naive, story()], plain);
    assert.match(text, /\| figure +\| Without protection \| With protection \|/);
    assert.match(text, /\| the bug shows +\| +yes \| +no \|/);
    assert.match(text, /\| runs +\| +5 \| +2 \|/);
    assert.match(text, /## Without protection\n\n✗ They pile up\./);
  });
});

describe('the run history', () => {
  const run: RunRow = {
    ...{ id: 'r1', jobId: '7', queue: 'default', type: 'chain_state_monitor', key: 'mainnet' },
    ...{ status: 'lost', startedAt: at(-60), endedAt: at(-30), durationMs: 30_000, pausedMs: 0 },
    waitedMs: null,
    ...{ worker: holder, schedule: 'chain', fence: 12, attempt: 1, error: 'its agent | died\nx' },
  };

  it('is a table that stays one whatever stands in it', () => {
    const text = runsDocument({ rows: [run], total: 30 }, 'all', NOW_MS, plain);
    assert.match(text, /1 of 30 runs\./);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    assert.equal(new Set(rows.map((row) => row.length)).size, 1);
    assert.match(
      rows[2] ?? '',
      /30 s \| lost .*chain_state_monitor \[mainnet\] .*devbox:4711 .*its agent \\\| died/,
    );
  });

  it('says when there is none', () => {
    assert.match(
      runsDocument({ rows: [], total: 0 }, 'all', NOW_MS, plain),
      /No run is like that\./,
    );
  });
});

describe('a text table', () => {
  it('aligns figures on the right', () => {
    assert.deepEqual(
      textTable(
        ['a', 'n'],
        [
          ['x', '1'],
          ['long', '200'],
        ],
        [1],
      ),
      ['| a    |   n |', '| ---- | --: |', '| x    |   1 |', '| long | 200 |'],
    );
  });
});
