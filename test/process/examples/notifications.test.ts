import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import * as path from 'node:path';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { jobRow, scheduleRow } from '../../../agent/protocol/model.ts';
import { interlockJson } from '../cli/interlock.ts';
import { NotificationsBench } from './notificationsBench.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const iso = (ms: number) => new Date(ms).toISOString();

/** A morning in the past: what is tried out here does not meet the clock of this machine. */
const MORNING = Date.parse('2026-01-31T08:00:00Z');

const SCHEDULES = {
  reminders_tick: 'reminders_tick_job',
  sessions_cleanup: 'whatsapp_sessions_cleanup_job',
  reminders_cleanup: 'reminders_cleanup_job',
  recordings_cleanup: 'cleanup_old_recordings_job',
  chain_state: 'chain_state_monitor',
  chainhooks: 'chainhook_monitor',
  wallets: 'agent_wallet_balance_monitor',
  token_holders: 'dao_token_holders_monitor',
};

const ON_DEMAND = [
  ...['broadcast_job', 'gmail_sync_job', 'push_send_job', 'recording_job'],
  'webhook_process_job',
];

const withStatus = z.looseObject({ status: z.string() });

describe('the notifications example', () => {
  let bench: NotificationsBench;
  before(async () => (bench = await NotificationsBench.start()));
  after(() => bench.stop());

  const message = (id: string, from: string, text = 'Hello', sentAt = MORNING) => ({
    messages: [{ id, from, text, sentAt: iso(sentAt) }],
  });
  /** @returns the result of the job that this request made */
  const resultOf = async (where: string, body: object) => {
    const { status, decisions } = await bench.post(where, body);
    assert.equal(status, 202);
    return (await bench.ended(decisions[0]?.jobId ?? null)).result;
  };
  const webhook = (body: object) => resultOf('/webhooks/whatsapp', body);

  describe('runs everything', () => {
    it('the five types on demand, each with a status', async () => {
      const audio = { recordingId: 'first', sessionId: 'call-1' };
      const push = { pushId: 'first', user: 'ada', title: 'News', body: 'Look.' };
      assert.deepEqual(await webhook(message('first', 'ada')), {
        ...{ status: 'processed', reminder: false },
      });
      const [sent, broadcast, recording, mail] = await Promise.all([
        resultOf('/pushes', push),
        resultOf('/broadcasts', { broadcastId: 'first', title: 'To all', body: 'Hello.' }),
        resultOf('/recordings', audio),
        resultOf('/mail-syncs', { account: 'office' }),
      ]);
      assert.deepEqual(sent, { status: 'sent', sent: 1, gone: 0 });
      assert.deepEqual(broadcast, { status: 'sent_out', users: 1, accepted: 1 });
      assert.equal(withStatus.parse(recording).status, 'transcribed');
      assert.deepEqual(mail, { status: 'synced', account: 'office', messages: 25, receipts: 8 });
    });

    it('the four scheduled types and the four monitors', async () => {
      const { json } = await interlockJson(bench.workspace, z.array(scheduleRow), 'schedules');
      assert.deepEqual(Object.fromEntries(json.map(({ name, job }) => [name, job])), SCHEDULES);
      const statuses = await Promise.all(
        Object.keys(SCHEDULES).map(async (name) => {
          return [name, withStatus.parse(await resultOf('/now', { schedule: name })).status];
        }),
      );
      const { chain_state, chainhooks, wallets, ...others } = z
        .record(z.string(), z.string())
        .parse(Object.fromEntries(statuses));
      // Its own slot may have come first.
      assert.match(chain_state ?? '', /^(first_look|advanced)$/);
      assert.match(chainhooks ?? '', /^(healthy|stalled)$/);
      assert.match(wallets ?? '', /^(enough|low)$/);
      assert.deepEqual(others, {
        ...{ reminders_tick: 'ticked', sessions_cleanup: 'cleaned', reminders_cleanup: 'cleaned' },
        ...{ recordings_cleanup: 'cleaned', token_holders: 'counted' },
      });
    });

    it('and the CLI shows all thirteen', async () => {
      const args = ['jobs', '--state', 'completed'];
      const { json } = await interlockJson(bench.workspace, z.array(jobRow), ...args);
      const types = [...new Set(json.map(({ type }) => type))].sort();
      assert.deepEqual(types, [...ON_DEMAND, ...Object.values(SCHEDULES)].sort());
    });

    it('and rejects a payload of no use with the reason', async () => {
      const job = await bench.run('push_send_job', { pushId: 'bad' });
      const { status, why } = z.object({ status: z.string(), why: z.string() }).parse(job.result);
      assert.equal(status, 'rejected');
      assert.match(why, /user/);
      assert.equal(job.attemptsMade, 1);
    });

    it('and what an application adds with BullMQ alone', async () => {
      const connection = { path: path.join(bench.workspace.stateFolder, 'redis.sock') };
      const queue = new Queue('default', { connection });
      try {
        const push = { pushId: 'bare', user: 'ada', title: 'News', body: 'Look.' };
        const { id = null } = await queue.add('push_send_job', push);
        assert.deepEqual((await bench.ended(id)).result, { status: 'sent', sent: 1, gone: 0 });
      } finally {
        await queue.close();
      }
    });
  });

  describe('does once what must happen once', () => {
    it('a message that the provider sends again', async () => {
      await webhook(message('twice', 'ben'));
      assert.deepEqual(await webhook(message('twice', 'ben')), { status: 'already_processed' });
      assert.deepEqual(await bench.rows(`SELECT messages FROM sessions WHERE sender = 'ben'`), [
        { messages: 1 },
      ]);
      assert.deepEqual(await bench.sent('reply/whatsapp/twice'), { 'reply/whatsapp/twice': 1 });
    });

    it('a message whose answer fails at first', async () => {
      await bench.breakNext('/replies', 1);
      const { decisions } = await bench.post('/webhooks/sms', message('later', 'cleo'));
      const job = await bench.ended(decisions[0]?.jobId ?? null);
      assert.deepEqual(job.result, { status: 'processed', reminder: false });
      assert.equal(job.attemptsMade, 2);
      assert.deepEqual(await bench.rows(`SELECT messages FROM sessions WHERE sender = 'cleo'`), [
        { messages: 1 },
      ]);
      assert.deepEqual(await bench.sent('reply/sms/later'), { 'reply/sms/later': 1 });
    });

    it('a push: also when one of its devices fails, and one is gone', async () => {
      await bench.change(
        `INSERT INTO devices (user, device) VALUES ('dov', 'a'), ('dov', 'b'), ('dov', 'gone-c')`,
      );
      // The first device is asked, and then it fails: the second try begins with it again.
      await bench.breakNext('/pushes', 1);
      const push = { pushId: 'once', user: 'dov', title: 'News', body: 'Look.' };
      assert.deepEqual((await bench.run('push_send_job', push)).result, {
        ...{ status: 'sent', sent: 2, gone: 1 },
      });
      assert.deepEqual((await bench.run('push_send_job', push)).result, {
        ...{ status: 'already_sent', devices: 2 },
      });
      assert.deepEqual(await bench.sent('once/'), { 'once/a': 1, 'once/b': 1 });
    });

    it('a broadcast that runs again sends nobody a second push', async () => {
      const broadcast = { broadcastId: 'again', title: 'To all', body: 'Hello.' };
      const users = (await bench.rows('SELECT DISTINCT user FROM devices WHERE active')).length;
      for (let times = 0; times < 2; times += 1) {
        const { result } = await bench.run('broadcast_job', broadcast);
        assert.equal(z.looseObject({ users: z.number() }).parse(result).users, users);
      }
      const asked = await bench.agent.client.request(requests.jobs, {
        ...{ type: 'push_send_job', search: 'broadcast/again/' },
      });
      for (const { id } of asked) assert.equal((await bench.ended(id)).state, 'completed');
      assert.ok(Object.values(await bench.sent('broadcast/again/')).every((times) => times === 1));
    });

    it('a receipt in a mailbox', async () => {
      const account = 'once';
      await bench.run('gmail_sync_job', { account });
      const again = await bench.run('gmail_sync_job', { account });
      assert.equal(z.looseObject({ receipts: z.number() }).parse(again.result).receipts, 0);
      const kept = await bench.rows(`SELECT * FROM receipts WHERE account = 'once'`);
      assert.equal(kept.length, 8);
    });
  });

  describe('keeps reminders', () => {
    const dueAt = MORNING + 120 * MINUTE_MS;
    const remind = (id: string, from: string, sentAt: number) =>
      webhook(message(id, from, `Remind me at ${iso(dueAt)} to call Dana`, sentAt));
    /** @returns how many pushes a tick asked for, as if it were so many minutes before */
    const tick = async (minutesBefore: number) => {
      const now = iso(dueAt - minutesBefore * MINUTE_MS);
      const { result } = await bench.run('reminders_tick_job', { now });
      return z.strictObject({ status: z.literal('ticked'), pushes: z.number() }).parse(result)
        .pushes;
    };

    it('sends each once at 30 and once at 15 minutes before', async () => {
      await remind('early', 'eve', MORNING);
      const pushes: Record<number, number> = {};
      for (const minutes of [31, 30, 29, 16, 15, 14, 1, 0, -1])
        pushes[minutes] = await tick(minutes);
      assert.deepEqual(pushes, {
        ...{ 31: 0, 30: 1, 29: 0, 16: 0, 15: 1, 14: 0, 1: 0, 0: 0, [-1]: 0 },
      });
      await bench.run('push_send_job', {
        ...{ pushId: 'reminder/whatsapp/early/15', user: 'eve', title: '', body: '' },
      });
      assert.deepEqual(await bench.sent('reminder/whatsapp/early/'), {
        'reminder/whatsapp/early/30/eve/phone': 1,
        'reminder/whatsapp/early/15/eve/phone': 1,
      });
    });

    it('makes good for a tick that came late, and sends no mark that was over when it was made', async () => {
      await remind('late', 'fay', dueAt - 20 * MINUTE_MS);
      assert.equal(await tick(19), 0);
      assert.equal(await tick(9), 1);
      assert.equal(await tick(8), 0);
    });

    it('asks again for a push that nobody noted, and it is sent once', async () => {
      await remind('torn', 'gil', MORNING);
      assert.equal(await tick(30), 1);
      // As a run leaves it that dies between the push and the note.
      await bench.change(`DELETE FROM reminder_pushes WHERE reminder = 'whatsapp/torn'`);
      assert.equal(await tick(29), 1);
      const jobs = await bench.agent.client.request(requests.jobs, {
        ...{ type: 'push_send_job', search: 'reminder/whatsapp/torn/30' },
      });
      for (const { id } of jobs) await bench.ended(id);
      assert.deepEqual(await bench.sent('reminder/whatsapp/torn/'), {
        'reminder/whatsapp/torn/30/gil/phone': 1,
      });
    });

    it('forgets them a week later', async () => {
      const before = await bench.rows('SELECT id FROM reminders');
      const cleanUp = async (days: number) => {
        const now = iso(dueAt + days * DAY_MS);
        return (await bench.run('reminders_cleanup_job', { days: 7, now })).result;
      };
      assert.deepEqual(await cleanUp(6), { status: 'cleaned', reminders: 0, pushes: 0 });
      assert.deepEqual(await cleanUp(8), {
        status: 'cleaned',
        reminders: before.length,
        pushes: 4,
      });
    });
  });

  describe('cleans up', () => {
    it('closes sessions after silence, and a new message opens another one', async () => {
      const closeAt = async (minutes: number) => {
        const now = iso(MORNING + minutes * MINUTE_MS);
        await bench.run('whatsapp_sessions_cleanup_job', { silenceMinutes: 15, now });
      };
      const sessions = () =>
        bench.rows(`SELECT messages, summary FROM sessions WHERE sender = 'hal' ORDER BY id`);
      await webhook(message('h1', 'hal', 'Hello'));
      await webhook(message('h2', 'hal', 'Anybody?', MORNING + 10 * MINUTE_MS));
      await closeAt(24);
      assert.deepEqual(await sessions(), [{ messages: 2, summary: null }]);
      await closeAt(25);
      const closed = { messages: 2, summary: 'hal wrote 2 messages, the last: Anybody?' };
      assert.deepEqual(await sessions(), [closed]);
      await webhook(message('h3', 'hal', 'Again', MORNING + 30 * MINUTE_MS));
      assert.deepEqual(await sessions(), [closed, { messages: 1, summary: null }]);
    });

    it('removes old recordings with their files, and no others', async () => {
      const folder = path.join(bench.workspace.folder, 'data', 'recordings');
      const record = (recordingId: string, daysAgo: number) =>
        resultOf('/recordings', {
          ...{ recordingId, sessionId: recordingId },
          recordedAt: iso(MORNING - daysAgo * DAY_MS),
        });
      await Promise.all([record('old', 31), record('new', 29)]);
      assert.ok(readdirSync(folder).includes('old.audio'));
      assert.deepEqual(await record('old', 31), {
        status: 'already_processed',
        recordingId: 'old',
      });
      const { result } = await bench.run('cleanup_old_recordings_job', {
        days: 30,
        now: iso(MORNING),
      });
      assert.deepEqual(result, { status: 'cleaned', removed: 1 });
      assert.deepEqual(readdirSync(folder).sort(), ['first.audio', 'new.audio']);
      assert.deepEqual(await bench.rows('SELECT id FROM recordings ORDER BY id'), [
        ...[{ id: 'first' }, { id: 'new' }],
      ]);
    });
  });

  describe('its monitors', () => {
    it('are tried again when the chain fails', async () => {
      await bench.breakNext('/chain/mainnet/hooks', 1);
      const job = await bench.run('chainhook_monitor');
      assert.match(withStatus.parse(job.result).status, /^(healthy|stalled)$/);
      assert.equal(job.attemptsMade, 2);
    });

    it('say so when it goes on failing, and have not failed', async () => {
      await bench.breakNext('/chain/mainnet/wallets', 99);
      const job = await bench.run('agent_wallet_balance_monitor');
      await bench.breakNext('/chain/mainnet/wallets', 0);
      assert.equal(job.state, 'completed');
      assert.equal(job.attemptsMade, 3);
      assert.deepEqual(job.result, {
        status: 'unavailable',
        why: 'GET /chain/mainnet/wallets was answered with 500',
      });
    });

    it('tell what is of no use to try again', async () => {
      const job = await bench.run('chain_state_monitor', { network: 'nonet' });
      assert.equal(withStatus.parse(job.result).status, 'refused');
      assert.equal(job.attemptsMade, 1);
    });
  });

  describe('its endpoint', () => {
    const push = (pushId: string) => ({ pushId, user: 'ada', title: 'News', body: 'Look.' });

    it('answers 202 once, and 200 while the job is on its way', async () => {
      await bench.agent.client.request(requests.pauseQueue, { queue: 'default' });
      const first = await bench.post('/pushes', push('busy'));
      const second = await bench.post('/pushes', push('busy'));
      await bench.agent.client.request(requests.resumeQueue, { queue: 'default' });
      assert.equal(first.status, 202);
      assert.equal(second.status, 200);
      assert.equal(second.decisions[0]?.outcome, 'already_queued');
      assert.equal(second.decisions[0].survivor?.jobId, first.decisions[0]?.jobId);
    });

    it('refuses what it can not read, and says why', async () => {
      const cases = [
        [400, /not JSON/, await bench.post('/pushes', '{')],
        [400, /user/, await bench.post('/pushes', { pushId: 'x' })],
        [404, /no schedule "never"/, await bench.post('/now', { schedule: 'never' })],
        [404, /nothing at/, await bench.post('/elsewhere', {})],
        [404, /nothing at/, await bench.post('/webhooks', {})],
        [413, /65536 bytes/, await bench.post('/pushes', { pushId: 'x'.repeat(70_000) })],
        [415, /application\/json/, await bench.post('/pushes', '{}', 'text/plain')],
      ] as const;
      for (const [status, why, answer] of cases) {
        assert.equal(answer.status, status);
        assert.match(answer.error ?? '', why);
      }
      assert.equal((await bench.get('/pushes')).status, 405);
    });

    it('says 503 without an agent, and finds the next one', async () => {
      await bench.restartAgent(async () => {
        const { status, error } = await bench.post('/pushes', push('away'));
        assert.equal(status, 503);
        assert.match(error ?? '', /No agent runs.*interlock start/);
      });
      assert.equal((await bench.post('/pushes', push('back'))).status, 202);
      const { body } = await bench.get('/health');
      const health = z.object({ agent: z.object({ pid: z.number(), role: z.string() }) });
      assert.deepEqual(health.parse(body).agent, { pid: bench.agent.pid, role: 'all' });
    });
  });
});
