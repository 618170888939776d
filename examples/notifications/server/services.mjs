// Stands for the outside world: a block chain's API, a push service, a messenger, mailboxes.
//   node examples/notifications/server/services.mjs --port 9020 --seed 7 --traffic
// With --traffic it also behaves like users: see traffic.mjs. With --calm it has no faults but those
// that are ordered with POST /faults.
import { parseArgs } from 'node:util';
import { API_URL, portOf, SERVICES_NAME, SERVICES_URL } from './addresses.mjs';
import { createChain } from './chain.mjs';
import { createFaults } from './faults.mjs';
import { HttpError, runServer, startLocalServer } from './localServer.mjs';
import { createOutsideWorld } from './outsideWorld.mjs';
import { startTraffic } from './traffic.mjs';

async function startServices({ port, seed, calm, traffic }) {
  const chain = createChain(seed);
  const faults = createFaults(seed, calm);
  const world = createOutsideWorld({ startedAtMs: Date.now(), now: () => Date.now() });
  const server = await startLocalServer(port, async (asked) => {
    const { method, path } = asked;
    if (path === '/health') return ok({ name: SERVICES_NAME, seed });
    if (method === 'POST' && path === '/faults') return ok(faults.order(asked.body));
    await faults.strike(path);
    if (method === 'POST') return ok(world.post(asked));
    if (method !== 'GET') throw new HttpError(405, 'Only GET and POST.');
    return ok(path.startsWith('/chain/') ? chain(asked) : world.get(asked));
  });
  const users = traffic ? startTraffic({ to: API_URL, seed, now: () => Date.now() }) : undefined;
  const close = async () => {
    users?.stop();
    await server.close();
  };
  return { port: server.port, close };
}

const ok = (body) => ({ status: 200, body });

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: String(portOf(SERVICES_URL)) },
    seed: { type: 'string', default: '7' },
    calm: { type: 'boolean', default: false },
    traffic: { type: 'boolean', default: false },
  },
});
const { calm, traffic } = values;
await runServer('The outside world of the example', () =>
  startServices({ port: Number(values.port), seed: Number(values.seed), calm, traffic }),
);
