// A feed that has every symbol, with one series of numbers for all who listen, and that tells for how
// long a symbol had nobody. It sends a tick of each symbol every few milliseconds.
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { serveFeed } from './feedProtocol.ts';

const TICK_EVERY_MS = 10;

const feed = await AnySymbolFeed.start(TICK_EVERY_MS);
serveFeed(Number(new URL(feed.url).port), () =>
  Promise.resolve({
    clients: feed.clients,
    sent: 0,
    longestUnheardMs: Math.max(0, ...feed.unheardMs),
  }),
);
