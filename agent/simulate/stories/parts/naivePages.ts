import WebSocket from 'ws';
import * as z from 'zod';
import { deferred } from '../../../common/deferred.ts';
import { partOf, type OpenPart } from './part.ts';

const optionsSchema = z.object({ stream: z.string(), feedUrl: z.string() });
const clickSchema = z.object({ click: z.number().int() });

/**
 * A server process that keeps the streams it runs in a map of its own, looks there, and then creates:
 * another process has another map, and between the look and the creation there is a gap.
 */
export const openNaivePages: OpenPart = ({ log }, raw) => {
  const { stream, feedUrl } = optionsSchema.parse(raw);
  const active = new Map<string, WebSocket>();
  const gapIsOver = deferred<undefined>();

  const click = async (click: number) => {
    if (active.has(stream)) {
      await log.tell(`refresh ${click}: it is in this process' own map already`, {
        fact: { kind: 'asked', outcome: 'already_running', reason: 'own_map' },
      });
      return;
    }
    await log.tell(`refresh ${click}: not in this process' map, so it starts the stream`, {
      fact: { kind: 'asked', outcome: 'accepted', reason: 'own_map' },
    });
    // Who asks in this gap is told the same.
    await gapIsOver.promise;
    const socket = new WebSocket(feedUrl);
    active.set(stream, socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.send(JSON.stringify({ op: 'subscribe', symbols: [stream] }));
  };

  return Promise.resolve(
    partOf({
      click: async (args) => {
        await click(clickSchema.parse(args).click);
        return null;
      },
      endGap: () => {
        gapIsOver.resolve(undefined);
        return Promise.resolve(null);
      },
    }),
  );
};
