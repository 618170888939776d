import assert from 'node:assert/strict';
import type { Frame } from '../../../../agent/streams/adapters/adapter.ts';
import { PacedSender } from '../../../../agent/streams/connection/pacedSender.ts';
import type { Rate } from '../../../../agent/streams/connection/rateWindow.ts';
import { ManualClock } from './manualClock.ts';

const FIVE_A_SECOND: Rate[] = [{ count: 5, perMs: 1_000 }];

function open(rates: Rate[], more: Frame[][] = []) {
  const clock = new ManualClock();
  const sent: { what: string; at: number }[] = [];
  const pings: string[] = [];
  const world = { idle: 0, done: [] as (() => void)[] };
  const sender: PacedSender = new PacedSender({
    ...{ clock, rates },
    transmit: (outgoing, done) => {
      const what = outgoing.type === 'frame' ? String(outgoing.frame) : outgoing.type;
      if (outgoing.type === 'ping') pings.push(Buffer.from(outgoing.data).toString());
      sent.push({ what, at: clock.monotonic() });
      world.done.push(done);
    },
    hasMore: () => more.length > 0,
    refill: () => more.shift() ?? [],
    onIdle: () => (world.idle += 1),
  });
  return { clock, sent, sender, pings, world, what: () => sent.map(({ what }) => what) };
}

describe('sending as fast as the venue allows', () => {
  it('sends everything at once without limits, and says when there is no more', () => {
    const { sender, what, world } = open([], [['a', 'b'], ['c']]);
    sender.pump();
    assert.deepEqual(what(), ['a', 'b', 'c']);
    assert.equal(world.idle, 1);
  });

  it('keeps order and rate, over frames, pings and pongs together', async () => {
    const { sender, what, sent, clock, world } = open(FIVE_A_SECOND, [['s1', 's2', 's3', 's4']]);
    sender.pump();
    sender.push(['r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
    sender.ping();
    assert.deepEqual(what(), ['s1', 's2', 's3', 's4', 'r1']);
    assert.ok(sender.pingWaits);
    sender.pong(Buffer.from('x'));
    await clock.advance(10_000);
    assert.deepEqual(what().slice(5), ['pong', 'ping', 'r2', 'r3', 'r4', 'r5', 'r6']);
    assert.equal(sender.pingWaits, false);
    assert.equal(world.idle, 2, 'after the symbols, and after the rest');
    sent.forEach(({ at }, index) => {
      const later = sent[index + 5];
      if (later !== undefined) assert.ok(later.at - at > 1_000);
    });
  });

  it('asks for what to send only when it may leave', async () => {
    const more = [['s1', 's2', 's3', 's4', 's5'], ['unwanted meanwhile']];
    const { sender, clock, what } = open(FIVE_A_SECOND, more);
    sender.pump();
    assert.equal(what().length, 5);
    more[0] = ['wanted now'];
    await clock.advance(2_000);
    assert.deepEqual(what().slice(5), ['wanted now']);
  });

  it('sends a ping that is asked for when all is sent', () => {
    const { sender, what } = open([], [['a']]);
    const asking: PacedSender = new PacedSender({
      ...{ clock: new ManualClock(), rates: [] },
      transmit: (outgoing) => sender.push([`via ${outgoing.type}`]),
      hasMore: () => false,
      refill: () => [],
      onIdle: () => {
        if (!what().includes('via ping')) asking.ping();
      },
    });
    asking.pump();
    assert.deepEqual(what(), ['via ping', 'a']);
  });

  it('sends one ping for all that wait, with the payload that was given last', async () => {
    const { clock, sender, pings } = open([{ count: 1, perMs: 1_000 }], [['a']]);
    sender.pump();
    sender.ping();
    sender.ping(Buffer.from('one'));
    sender.ping(Buffer.from('two'));
    sender.ping();
    await clock.advance(5_000);
    assert.deepEqual(pings, ['two']);
  });

  it('answers only the last of a flood of pings, while one answer is under way', () => {
    const { sender, what, world } = open([]);
    for (let index = 0; index < 1_000; index += 1) sender.pong(Buffer.from([index % 256]));
    assert.deepEqual(what(), ['pong']);
    world.done[0]?.();
    assert.deepEqual(what(), ['pong', 'pong']);
  });

  it('refuses what would fill the memory, and sends nothing once it is closed', async () => {
    const { sender, what, clock } = open([{ count: 1, perMs: 1_000 }]);
    const many = Array.from({ length: 10_005 }, (_, index) => String(index));
    assert.equal(sender.push(many), 5);
    assert.equal(sender.push(['x', 'y']), 1, 'one has left meanwhile');
    sender.close();
    await clock.advance(60_000);
    assert.deepEqual(what(), ['0']);
  });

  it('knows how much may leave now', () => {
    const { sender } = open(FIVE_A_SECOND, [['a', 'b']]);
    sender.pump();
    assert.deepEqual(
      [0, 1, 3, 4].map((count) => sender.hasRoomFor(count)),
      [true, true, true, false],
    );
  });
});
