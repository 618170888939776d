import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import { CONFIG_FILE } from '../../../agent/config/load.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import type { StreamRow } from '../../../agent/protocol/model.ts';
import type { TreeRow } from '../../../src/api.ts';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';
import { answering } from './answering.ts';
import { interlock, snapshot, waitForState, workspaceFolder } from './interlock.ts';

const ADDED = 'NSE:SBIN25JULFUT';
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
/** Longer than an agent takes to obey, and to connect again. */
const EFFECT_DEADLINE_MS = 20_000;

const config = z.looseObject({ streams: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** A stream of two shards, one outside its hours, and one whose server is not there. */
function withMoreStreams(text: string): string {
  const before = config.parse(JSON.parse(text));
  const { feed = {} } = before.streams;
  // Open for a minute in two days: never now, whatever day it is.
  const days = [DAYS[(new Date().getUTCDay() + 2) % DAYS.length]];
  const hours = { timezone: 'UTC', open: '00:00', close: '00:01', days };
  const streams = {
    broken: { ...feed, url: 'ws://127.0.0.1:1/ticks', maxRetries: 1 },
    feed: { ...feed, symbolsPerConnection: 1, connectionDelay: '100ms' },
    night: { ...feed, hours },
  };
  return JSON.stringify({ ...before, streams }, null, 2);
}

describe('the Streams view and its commands', () => {
  const file = () => path.join(workspaceFolder(), CONFIG_FILE);
  let good = '';

  const stream = async (name: string): Promise<StreamRow> => {
    const row = (await snapshot()).streams[name];
    if (row === undefined) throw new Error(`there is no stream ${name}`);
    return row;
  };
  const treeRow = async (name: string): Promise<TreeRow> => {
    const rows = (await interlock()).treeOf(VIEWS.streams);
    const row = rows.find(({ label }) => label === name);
    if (row === undefined) throw new Error(`${name} is not shown`);
    return row;
  };
  const soon = <T>(what: string, look: () => Promise<T>) =>
    eventually(what, look, { deadlineMs: EFFECT_DEADLINE_MS });
  const feedIsLive = () =>
    soon('two live shards', async () => (await treeRow('feed')).description.startsWith('2/2 live'));
  const run = (command: string) => vscode.commands.executeCommand(command);
  const decisionsAbout = async (name: string, action: Decision['action']) =>
    Object.values((await snapshot()).decisions).filter(
      (decision) => decision.subject === name && decision.action === action,
    );

  /** Streams are read from the config when an agent starts. */
  const takeConfig = async (text: string, streams: number) => {
    writeFileSync(file(), text);
    await run(COMMANDS.agentRestart);
    await soon(`${streams} streams`, async () => {
      return Object.keys((await snapshot()).streams).length === streams;
    });
    await waitForState('running');
  };

  before(async () => {
    await waitForState('running');
    good = readFileSync(file(), 'utf8');
    await takeConfig(withMoreStreams(good), 3);
    await feedIsLive();
  });

  after(async () => {
    await takeConfig(good, 1);
  });

  it('shows each shard with its state in a word, a sign and a colour', async () => {
    const { children, contextValue } = await treeRow('feed');
    assert.equal(contextValue, 'stream+wanted');
    const shards = children.filter(({ contextValue: kind }) => kind.startsWith('connection'));
    assert.deepEqual(
      shards.map(({ label, contextValue: kind, icon }) => [label, kind, icon]),
      [
        ['Shard 0', 'connection+live', 'circle-filled testing.iconPassed'],
        ['Shard 1', 'connection+live', 'circle-filled testing.iconPassed'],
      ],
    );
    for (const { description } of shards)
      assert.match(description, /^live · [\d,]+ messages · 1 symbols/);
    const below = shards[0]?.children.map(({ label }) => label) ?? [];
    for (const label of ['Messages', 'Last message', 'Ticks lost', 'Reconnect attempts', 'Symbols'])
      assert.ok(below.includes(label), `${label} is missing in ${below.join(', ')}`);
  });

  it('says until when a stream sleeps', async () => {
    await soon('a sleeping stream', async () => (await stream('night')).state === 'sleeping');
    const { description, icon } = await treeRow('night');
    assert.match(description, /^sleeping until [A-Z][a-z]{2} 00:00 \(UTC\)$/);
    assert.equal(icon, 'watch disabledForeground');
  });

  it('shows a suspended connection with its cause, and resumes it', async () => {
    const row = await soon('a suspended stream', async () => {
      const shown = await treeRow('broken');
      return shown.contextValue === 'stream+wanted+suspended' && shown;
    });
    assert.match(row.description, /^suspended/);
    const [shard] = row.children.filter(({ contextValue }) =>
      contextValue.startsWith('connection'),
    );
    assert.equal(shard?.contextValue, 'connection+suspended');
    assert.match(shard.description, /^suspended · .*ECONNREFUSED/);
    await answering({ picks: ['broken'] }, () => run(COMMANDS.streamResume));
    await soon('the decision', async () => {
      const [resumed] = await decisionsAbout('broken', 'resume_stream');
      return resumed?.outcome === 'accepted';
    });
  });

  it('does not call for a stream that runs, and says who runs it since when', async () => {
    const before = await decisionsAbout('feed', 'start_stream');
    const { messages } = await answering({ picks: ['feed'] }, () => run(COMMANDS.streamStart));
    const pid = (await stream('feed')).holder?.pid ?? 0;
    assert.equal(messages.length, 1);
    assert.match(
      messages[0] ?? '',
      /^Stream feed is already running \(.*, started (just now|.* ago)\)\.$/,
    );
    assert.ok(messages[0]?.includes(`:${pid} `), messages[0]);
    assert.deepEqual(await decisionsAbout('feed', 'start_stream'), before);
  });

  it('asks before it stops what is live, and starts it once for two clicks', async () => {
    const turnedAway = await answering({ picks: ['feed'] }, () => run(COMMANDS.streamStop));
    assert.match(turnedAway.messages[0] ?? '', /^Stop feed\? Live connections: 2\./);
    assert.equal((await stream('feed')).wanted, 'running');
    await answering({ picks: ['feed'], button: 'Stop' }, () => run(COMMANDS.streamStop));
    await soon('the stream to stop', async () => (await stream('feed')).state === 'stopped');
    const before = (await decisionsAbout('feed', 'start_stream')).length;
    const { messages } = await answering({ picks: ['feed', 'feed'] }, () =>
      Promise.all([run(COMMANDS.streamStart), run(COMMANDS.streamStart)]),
    );
    assert.match(messages.join('\n'), /^Start Stream: feed is under way, asked /m);
    await feedIsLive();
    const started = await soon('the decision', async () => {
      const decisions = await decisionsAbout('feed', 'start_stream');
      return decisions.length > before && decisions.length;
    });
    assert.equal(started, before + 1);
  });

  it('restarts a stream: its leases have higher fencing tokens', async () => {
    const fence = async () => (await stream('feed')).fence ?? 0;
    const before = await fence();
    await answering({ picks: ['feed'], button: 'Restart' }, () => run(COMMANDS.streamRestart));
    await soon('a higher fencing token', async () => (await fence()) > before);
    await feedIsLive();
  });

  it('rotates connections without a question', async () => {
    const { messages } = await answering({ picks: ['feed'] }, () => run(COMMANDS.streamRotate));
    assert.deepEqual(messages, []);
    await soon('the decision', async () => {
      const [rotated] = await decisionsAbout('feed', 'rotate_stream');
      return rotated?.outcome === 'accepted';
    });
    await feedIsLive();
  });

  it('adds and removes symbols while it runs, and says what became of each', async () => {
    const known = 'NSE:TCS25JULFUT';
    const added = await answering({ picks: ['feed'], input: `${ADDED}, ${known}` }, () =>
      run(COMMANDS.symbolsAdd),
    );
    assert.match(added.messages[0] ?? '', new RegExp(`^Added 1 to feed: ${ADDED}\\.`));
    assert.match(added.messages[0] ?? '', new RegExp(`Unchanged: ${known} \\(.+\\)\\.$`));
    await soon('three symbols', async () => (await stream('feed')).symbolCount === 3);
    const removed = await answering({ picks: ['feed', ADDED], button: 'Remove' }, () =>
      run(COMMANDS.symbolsRemove),
    );
    assert.match(removed.messages.join('\n'), new RegExp(`^Remove ${ADDED} from feed\\?`));
    assert.match(removed.messages.at(-1) ?? '', new RegExp(`^Removed 1 from feed: ${ADDED}\\.$`));
    await soon('two symbols', async () => (await stream('feed')).symbolCount === 2);
  });
});
