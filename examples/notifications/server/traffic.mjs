import { clearTimeout } from 'node:timers';
import { seededRandom } from './seededRandom.mjs';

const EVERY_MS = 4_000;
/** At first, when each job type starts a process of its own: not all of them at one moment. */
const AT_FIRST_MS = 1_000;
/** Until the agent answers, and while it is away. */
const RETRY_MS = 500;
const TIMEOUT_MS = 5_000;

/** They write in turn, each for some minutes: so sessions fall silent. */
const USERS = ['dana', 'noam', 'yael', 'omer'];
const TURN_MS = 3 * 60_000;
const ACCOUNT = 'office@mail.example';

/** Schedules that an operator runs by hand: so all are seen without waiting until the night. */
const BY_HAND = [
  ...['reminders_tick', 'sessions_cleanup', 'reminders_cleanup', 'recordings_cleanup'],
  ...['chain_state', 'chainhooks', 'wallets', 'token_holders'],
];

/**
 * Behaves like the users of the application, gently: at first each thing once, then one of them every
 * four seconds. It knows nothing but the HTTP endpoint.
 * @param {{ to: string, seed: number, now: () => number }} options `to`: the endpoint's address
 * @returns {{ stop(): void }}
 */
export function startTraffic({ to, seed, now }) {
  const random = seededRandom(seed);
  const users = createUsers(random, now);
  // Pushes come last: whoever has written by then has a device.
  const first = [
    ...[users.message(), users.reminder(), users.recording(), users.mailSync()],
    ...BY_HAND.map((schedule) => ['/now', { schedule }]),
    ...[users.push(), users.broadcast()],
  ];

  let timer;
  let isStopped = false;
  const next = async () => {
    const wanted = first.length > 0;
    const [path, body] = first[0] ?? users.something();
    const isTaken = await post(new URL(path, to), body);
    if (wanted && isTaken) first.shift();
    if (!isStopped) timer = setTimeout(next, pauseAfter(wanted, isTaken));
  };
  timer = setTimeout(next, 0);
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
  };
  return { stop };
}

function pauseAfter(wanted, isTaken) {
  if (!wanted) return EVERY_MS;
  return isTaken ? AT_FIRST_MS : RETRY_MS;
}

/** @returns {Promise<boolean>} false while nobody is there to take it */
async function post(url, body) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: globalThis.AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}

/** Each answers with a path and a body. Ids begin with the time, so that they are new in each run. */
function createUsers(random, now) {
  const startedAtMs = now();
  const run = startedAtMs.toString(36);
  let number = 0;
  let lastMessage;
  const newId = () => `${run}-${(number += 1)}`;
  const pick = (list) => list[Math.floor(random() * list.length)];
  const writer = () => USERS[Math.floor((now() - startedAtMs) / TURN_MS) % USERS.length];
  const isoIn = (ms) => new Date(now() + ms).toISOString();

  const webhook = (text) => {
    lastMessage = { id: newId(), from: writer(), text, sentAt: isoIn(0) };
    return ['/webhooks/whatsapp', { messages: [lastMessage] }];
  };
  const users = {
    message: () => webhook(pick(['Hello?', 'Are you open today?', 'Thanks!', 'See you then.'])),
    // A little more than 30 and 15 minutes, so that the next tick after that has something to send.
    reminder: () => webhook(`remind me at ${isoIn(pick([30.2, 15.2]) * 60_000)} to call back`),
    /** Providers send a message again when they are not sure. */
    sameAgain: () =>
      lastMessage === undefined
        ? users.message()
        : ['/webhooks/whatsapp', { messages: [lastMessage] }],
    push: () => ['/pushes', { pushId: newId(), user: writer(), title: 'News', body: 'Look.' }],
    broadcast: () => ['/broadcasts', { broadcastId: newId(), title: 'To all', body: 'Hello.' }],
    recording: () => ['/recordings', { recordingId: newId(), sessionId: `call-${writer()}` }],
    mailSync: () => ['/mail-syncs', { account: ACCOUNT }],
    something: () => {
      const { message, sameAgain, reminder, push, mailSync, recording, broadcast } = users;
      const often = [message, message, message, sameAgain, sameAgain, reminder, push, push];
      return pick([...often, mailSync, recording, broadcast])();
    },
  };
  return users;
}
