import assert from 'node:assert/strict';
import { decisionsText, decisionText } from '../../../../agent/cli/text/decisionText.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { decision, holder, isoBefore, NOW_MS } from './rows.ts';

const plain = styleFor(false, {});
const text = (facts: Parameters<typeof decision>[0]) =>
  decisionText(decision(facts), NOW_MS, plain);

describe('a decision as a sentence', () => {
  it('says what was accepted', () => {
    assert.equal(text({ key: 'mainnet' }), 'Accepted. Enqueueing sync (key mainnet): job j1.');
  });

  it('says of a refusal who is there, since when, by which rule, and what to do', () => {
    const refused = text({
      outcome: 'already_running',
      reason: 'unique_key',
      jobId: 'j0',
      survivor: { jobId: 'j0', state: 'active', since: isoBefore(12_000) },
      holder: holder(),
      remedy: 'Wait for job j0 to end.',
    });
    assert.equal(
      refused,
      'Already running. Enqueueing sync: job j0 is active since 12 s, held by devbox:4711 (rule: unique_key).\nWait for job j0 to end.',
    );
  });

  it('needs no survivor', () => {
    assert.equal(
      text({ action: 'start_stream', subject: 'nse', outcome: 'refused', reason: 'lease_held' }),
      'Refused. Starting stream nse: lease held (rule: lease_held).',
    );
  });

  it('does not name the key of a type that is unique as a whole', () => {
    assert.match(text({ key: '*' }), /^Accepted\. Enqueueing sync: /);
  });

  it('sums up many, and shows one of each kind', () => {
    const many = [
      decision({}),
      decision({ outcome: 'already_queued', reason: 'unique_key' }),
      decision({ outcome: 'already_queued', reason: 'unique_key' }),
    ];
    const lines = decisionsText(many, NOW_MS, plain).split('\n');
    assert.equal(lines[0], '3 decisions: 1 accepted, 2 already queued.');
    assert.equal(lines.length, 3);
  });
});
