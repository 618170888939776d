import { HttpError } from './localServer.mjs';

/** What was sent is remembered by its key, for the last so many. */
const MOST_KEYS = 10_000;
const RECORDING_PARTS = 5;
const PART_BYTES = 2_048;
const PAGE_LENGTH = 10;
/** The mailbox of everybody: one message more each minute, at most a day's worth. */
const MINUTE_MS = 60_000;
const FIRST_MESSAGES = 25;
const MOST_MESSAGES = 1_440;

/**
 * Push service, messenger, mailboxes and recordings of the example. What is posted with the same
 * `Idempotency-Key` is done once, as good services do.
 * @param {{ startedAtMs: number, now: () => number }} times
 */
export function createOutsideWorld({ startedAtMs, now }) {
  /** @type {Map<string, { path: string, times: number }>} */
  const sent = new Map();

  const sendOnce = ({ path, header }) => {
    const key = header('idempotency-key');
    if (key === undefined) throw new HttpError(400, 'The header Idempotency-Key is missing.');
    const known = sent.get(key);
    if (known !== undefined) known.times += 1;
    else sent.set(key, { path, times: 1 });
    for (const oldest of sent.keys()) {
      if (sent.size <= MOST_KEYS) break;
      sent.delete(oldest);
    }
    return { duplicate: known !== undefined };
  };

  return {
    /** @param {import('./localServer.mjs').Asked} asked */
    post(asked) {
      const { path, body } = asked;
      if (path === '/replies') return sendOnce(asked);
      if (path === '/pushes') {
        const device = String(body?.device);
        if (device.startsWith('gone')) throw new HttpError(410, `${device} was uninstalled.`);
        return sendOnce(asked);
      }
      if (path === '/transcriptions') {
        sendOnce(asked);
        return { text: `What was said in ${String(body?.recordingId)}.` };
      }
      throw new HttpError(404, `There is nothing to POST at ${path}.`);
    },
    /** @param {import('./localServer.mjs').Asked} asked */
    get({ path, query }) {
      const [, kind, , what, part] = path.split('/');
      if (path === '/sent') return [...sent].map(([key, facts]) => ({ key, ...facts }));
      if (kind === 'mail' && what === 'messages') {
        const minutes = Math.floor((now() - startedAtMs) / MINUTE_MS);
        const last = Math.min(MOST_MESSAGES, FIRST_MESSAGES + minutes);
        return mailPage(Number(query.get('after') ?? 0), last);
      }
      if (kind === 'recordings' && what === undefined) return { parts: RECORDING_PARTS };
      if (kind === 'recordings' && what === 'parts') {
        return { audio: Buffer.alloc(PART_BYTES, `part ${part} `).toString('base64') };
      }
      throw new HttpError(404, `There is nothing at ${path}.`);
    },
  };
}

function mailPage(after, last) {
  const numbers = Array.from(
    { length: Math.max(0, last - after) },
    (_, index) => after + 1 + index,
  );
  const messages = numbers.slice(0, PAGE_LENGTH).map((number) => {
    const isReceipt = number % 3 === 0;
    return {
      number,
      from: isReceipt ? 'billing@shop.example' : 'friend@mail.example',
      subject: isReceipt ? `Your receipt ${number}` : 'Hello',
      cents: isReceipt ? 100 * number : null,
    };
  });
  return { messages, more: numbers.length > PAGE_LENGTH };
}
