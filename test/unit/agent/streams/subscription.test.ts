import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Subscription } from '../../../../agent/streams/connection/subscription.ts';

describe('what is subscribed on a connection', () => {
  it('asks for the difference, in pieces, and first for what is to go', () => {
    const subscription = new Subscription(['a', 'b', 'c', 'b']);
    assert.equal(subscription.size, 3);
    assert.deepEqual(subscription.next(2), { type: 'subscribe', symbols: ['a', 'b'] });
    assert.deepEqual(subscription.next(2), { type: 'subscribe', symbols: ['c'] });
    assert.equal(subscription.next(2), null);
    subscription.want(['c', 'd']);
    assert.equal(subscription.isReached, false);
    assert.deepEqual(subscription.next(9), { type: 'unsubscribe', symbols: ['a', 'b'] });
    assert.deepEqual(subscription.next(9), { type: 'subscribe', symbols: ['d'] });
    assert.ok(subscription.isReached);
  });

  it('asks for nothing when a symbol comes and goes before it was sent', () => {
    const subscription = new Subscription(['a']);
    subscription.next(9);
    subscription.want(['a', 'b']);
    subscription.want(['a']);
    assert.equal(subscription.next(9), null);
    subscription.want([]);
    subscription.want(['a']);
    assert.equal(subscription.next(9), null);
  });

  it('asks for everything on a new socket', () => {
    const subscription = new Subscription(['a', 'b']);
    subscription.next(1);
    subscription.forgetSocket();
    assert.deepEqual(subscription.next(9), { type: 'subscribe', symbols: ['a', 'b'] });
  });

  it('leads a server to what is wanted, whatever happens meanwhile', () => {
    const symbols = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 6 });
    const acts = fc.array(
      fc.oneof(symbols, fc.constant('send' as const), fc.constant('new' as const)),
    );
    fc.assert(
      fc.property(symbols, acts, fc.integer({ min: 1, max: 3 }), (first, list, max) => {
        const subscription = new Subscription(first);
        let wanted = new Set(first);
        let server = new Set<string>();
        const send = () => {
          const step = subscription.next(max);
          if (step === null) return false;
          assert.ok(step.symbols.length > 0 && step.symbols.length <= max);
          for (const symbol of step.symbols) {
            assert.equal(server.has(symbol), step.type === 'unsubscribe', 'nothing is asked twice');
            if (step.type === 'subscribe') server.add(symbol);
            else server.delete(symbol);
          }
          return true;
        };
        for (const act of list) {
          if (act === 'send') send();
          else if (act === 'new') {
            server = new Set();
            subscription.forgetSocket();
          } else {
            wanted = new Set(act);
            subscription.want(act);
          }
        }
        while (send());
        assert.deepEqual([...server].sort(), [...wanted].sort());
      }),
    );
  });
});
