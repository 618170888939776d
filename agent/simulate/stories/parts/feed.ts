import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { partOf, type OpenPart } from './part.ts';

const subscription = z.object({ op: z.literal('subscribe'), symbols: z.array(z.string()) });

/** A feed of prices: a real WebSocket server, which writes down who comes and goes. */
export const openFeed: OpenPart = async ({ log, fail }) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  let open = 0;
  server.on('error', fail);
  server.on('connection', (socket) => {
    open += 1;
    const count = open;
    const trouble = count > 1;
    log
      .tell(`socket ${count} is open${trouble ? `: ${count} at one time` : ''}`, {
        tone: trouble ? 'bad' : 'good',
        fact: { kind: 'socket', change: 'opened' },
      })
      .catch(fail);
    socket.on('error', () => undefined);
    socket.on('message', (data) => void tellSubscription(data).catch(fail));
    socket.on('close', () => {
      open -= 1;
      log
        .tell(`a socket is closed, ${open} left`, { fact: { kind: 'socket', change: 'closed' } })
        .catch(fail);
    });
  });
  const tellSubscription = async (data: WebSocket.RawData) => {
    if (!Buffer.isBuffer(data)) return;
    const { success, data: asked } = subscription.safeParse(JSON.parse(data.toString('utf8')));
    if (success) await log.tell(`a client subscribes to ${asked.symbols.join(', ')}`);
  };
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The feed has no port.');
  const url = `ws://127.0.0.1:${address.port}/ticks`;
  return partOf({ url: () => Promise.resolve(url) });
};
