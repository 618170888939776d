import assert from 'node:assert/strict';
import { ConnectionNote } from '../../../../agent/streams/connection/connectionNote.ts';
import { ManualClock } from './manualClock.ts';

describe('the note of a connection that lives on', () => {
  it('is shown for a minute after it happened last, and told once', async () => {
    const clock = new ManualClock();
    const note = new ConnectionNote(clock);
    assert.equal(note.text(), null);
    assert.equal(note.set('one'), true);
    await clock.advance(50_000);
    assert.equal(note.set('two'), false);
    await clock.advance(59_000);
    assert.equal(note.text(), 'two');
    await clock.advance(1_000);
    assert.equal(note.text(), null);
    assert.equal(note.set('three'), true);
    note.clear();
    assert.equal(note.text(), null);
  });
});
