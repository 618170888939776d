import { EventTail, lastEntryId } from '../feed/eventTail.ts';
import type { StateFeed } from '../feed/stateFeed.ts';
import { QueueSearch } from '../jobs/queueSearch.ts';
import type { StreamEntry } from '../redis/streamEntry.ts';
import type { CoreServices, ServiceSetOptions } from './coreServices.ts';

/** Whom news concern. */
export interface NewsListeners {
  feed: StateFeed;
  /** What came in the event stream of a queue. */
  onQueueEvents: (queue: string, entries: readonly StreamEntry[]) => void;
  /** A lease was given back: those who wait look at once. */
  onLeasesChanged: () => void;
  /** An agent asks the others for something about a stream. */
  onStreamAsk: () => void;
}

/**
 * BullMQ and the decision log write events to streams: what they name is read again.
 * @returns ends it, and the feed
 */
export function followEvents(
  { connections, clock, logger }: ServiceSetOptions,
  { redis, keys, queues }: CoreServices,
  { feed, onQueueEvents, onLeasesChanged, onStreamAsk }: NewsListeners,
): () => Promise<void> {
  const streamOf = (queue: string) => keys.queue(queue, 'events');
  const onNews = (stream: string, entries: readonly StreamEntry[]) => {
    const queue = queues.names().find((name) => streamOf(name) === stream);
    if (stream === keys.releases) onLeasesChanged();
    else if (stream === keys.streamAsks) onStreamAsk();
    else if (queue === undefined) feed.decisionsChanged();
    else {
      onQueueEvents(queue, entries);
      feed.queueChanged(queue);
    }
  };
  const streams = [
    ...queues.names().map(streamOf),
    ...[keys.decisions, keys.releases, keys.streamAsks],
  ];
  const tail = new EventTail(connections.patient('events'), streams, clock, onNews);
  tail.start();
  const search = new QueueSearch(queues, clock, logger, (queue) => {
    const stream = streamOf(queue);
    // Asked for at once: on its own connection the tail can only ask after the read that waits now.
    lastEntryId(redis, stream).then(
      (newest) => tail.add(stream, newest),
      () => tail.add(stream),
    );
    feed.queueChanged(queue);
  });
  search.start();
  return async () => {
    search.close();
    tail.close();
    await feed.close();
  };
}
