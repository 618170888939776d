// The HTTP endpoint of the application. It takes requests, asks the agent for jobs, and does nothing
// else: whoever runs them is another process.
//   node examples/notifications/server/api.mjs --port 9021 [--state-dir DIR]
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { API_NAME, API_URL, portOf } from './addresses.mjs';
import { AgentError, AgentLink, stateFoldersOf } from './agentLink.mjs';
import { HttpError, runServer, startLocalServer } from './localServer.mjs';
import { jobsOf } from './routes.mjs';

const WORKSPACE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const ACCEPTED = ['accepted', 'replaced', 'rescheduled'];

/** What the agent answers with, as HTTP has it. All else is a fault: 500. */
const STATUS_OF = {
  no_agent: 503,
  agent_stopping: 503,
  redis_unreachable: 503,
  role_forbids: 503,
  payload_invalid: 400,
  bad_params: 400,
  not_found: 404,
};

async function startApi({ port, stateFolders }) {
  const link = new AgentLink(stateFolders);
  const server = await startLocalServer(port, async (asked) => {
    if (asked.method === 'GET' && asked.path === '/health') {
      const agent = await link.agent().catch(() => null);
      return { status: 200, body: { name: API_NAME, agent } };
    }
    const jobs = jobsOf(asked, Date.now());
    const decisions = [];
    try {
      for (const job of jobs) decisions.push(await link.enqueue(job));
    } catch (error) {
      // Who asked may ask again: what is there already is answered so, and done once.
      if (!(error instanceof AgentError)) throw error;
      throw new HttpError(STATUS_OF[error.code] ?? 500, error.message);
    }
    return { status: statusOf(decisions), body: { decisions } };
  });
  const close = async () => {
    link.close();
    await server.close();
  };
  return { port: server.port, close };
}

/** 202: there are jobs to come. 200: all of it is on its way already. 409: refused. */
function statusOf(decisions) {
  if (decisions.some(({ outcome }) => ACCEPTED.includes(outcome))) return 202;
  return decisions.some(({ outcome }) => outcome === 'refused') ? 409 : 200;
}

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: String(portOf(API_URL)) },
    'state-dir': { type: 'string' },
  },
});
const stateFolder = values['state-dir'] ?? process.env.INTERLOCK_STATE_DIR;
const stateFolders = stateFolder ? [stateFolder] : stateFoldersOf(WORKSPACE);
await runServer('The endpoint of the example', () =>
  startApi({ port: Number(values.port), stateFolders }),
);
