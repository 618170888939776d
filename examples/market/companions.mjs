// What `npm start` runs beside the agent.
import { FEED_NAME, FEED_PORT } from './feed/feedServer.mjs';

export const companions = [
  {
    what: 'feed of the example',
    program: new URL('feed/feedServer.mjs', import.meta.url),
    name: FEED_NAME,
    port: FEED_PORT,
    args: [],
  },
];
