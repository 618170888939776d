import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';

/** Raised by Interlock when an old client and a new agent could misunderstand each other. */
const PROTOCOL = 1;
/** An agent that is frozen, or stopped in a debugger, must not hold up who asks. */
const TIMEOUT_MS = 5_000;

/** Why there is no answer. `code` is the agent's own, or `no_agent`. */
export class AgentError extends Error {
  /**
   * @param {string} code such as `no_agent`, `role_forbids`, `payload_invalid`
   * @param {string} message
   * @param {string} [remedy]
   */
  constructor(code, message, remedy) {
    super(remedy === undefined ? message : `${message} ${remedy}`);
    this.code = code;
  }
}

/** @typedef {{ type: string, data: object } | { schedule: string }} Wanted */

/**
 * Where the agents of a workspace keep their state, unless `--state-dir` says otherwise: first that of
 * the role `api`, which runs nothing, then the one that does everything.
 * @param {string} workspace
 * @returns {string[]}
 */
export function stateFoldersOf(workspace) {
  const hash = createHash('sha256').update(realpathSync(workspace)).digest('hex');
  const folder = path.join(os.homedir(), '.interlock', hash.slice(0, 12));
  return [`${folder}-api`, folder];
}

/**
 * How an application talks to its agent: JSON-RPC over a socket. It connects when it is needed, and
 * again after the agent was restarted.
 */
export class AgentLink {
  /** @type {Promise<{ request(method: string, params: object): Promise<any>, agent: any }> | undefined} */
  #link;
  #stateFolders;

  /** @param {string[]} stateFolders the first one with an agent is taken */
  constructor(stateFolders) {
    this.#stateFolders = stateFolders;
  }

  /**
   * Asks the agent for a job of a declared type, or for that of a schedule, now.
   * @param {Wanted} wanted
   * @returns {Promise<{ outcome: string, jobId: string | null }>} the decision; a refusal is one too
   * @throws {AgentError} it can not be told whether there is a job now when the code is `no_agent`
   */
  async enqueue(wanted) {
    const { request } = await this.#connected();
    if ('schedule' in wanted) return request('schedules/run', { name: wanted.schedule });
    const [decision] = await request('jobs/enqueue', wanted);
    return decision;
  }

  /** @returns {Promise<{ pid: number, role: string }>} @throws {AgentError} */
  async agent() {
    return (await this.#connected()).agent;
  }

  close() {
    void this.#link?.then(
      ({ dispose }) => dispose(),
      () => undefined,
    );
  }

  #connected() {
    this.#link ??= openFirst(this.#stateFolders, () => (this.#link = undefined)).catch((error) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }
}

async function openFirst(stateFolders, onClose) {
  let trouble;
  for (const folder of stateFolders) {
    try {
      return await openLink(folder, onClose);
    } catch (error) {
      if (error?.code !== 'no_agent') throw error;
      trouble = error;
    }
  }
  throw trouble;
}

async function openLink(stateFolder, onClose) {
  const record = readRecord(stateFolder);
  const socket = await connectTo(record.socketPath);
  const rpc = createMessageConnection(
    new StreamMessageReader(socket),
    new StreamMessageWriter(socket),
  );
  let isOpen = true;
  let isGreeted = false;
  const dispose = () => {
    if (!isOpen) return;
    isOpen = false;
    if (isGreeted) onClose();
    // Requests that wait are rejected by this, and by nothing else.
    rpc.dispose();
    socket.destroy();
  };
  rpc.onClose(dispose);
  rpc.onError(dispose);
  rpc.listen();

  const request = (method, params) =>
    withinTime(async () => rpc.sendRequest(method, params), dispose);
  // The agent knows extension and CLI; an application asks as the CLI does.
  const client = { kind: 'cli', version: 'example', pid: process.pid };
  try {
    const { pid, role } = await request('hello', {
      ...{ token: record.token, protocol: PROTOCOL, client },
    });
    isGreeted = true;
    return { request, dispose, agent: { pid, role } };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** agent.json says where the agent listens. Its folder belongs to its user alone, and so the token. */
function readRecord(stateFolder) {
  try {
    return JSON.parse(readFileSync(path.join(stateFolder, 'agent.json'), 'utf8'));
  } catch {
    throw noAgent(`No agent runs with the state folder ${stateFolder}.`);
  }
}

function connectTo(socketPath) {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      // What comes later is told by the end of the connection.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', (error) => reject(noAgent(`No agent answers: ${error.message}.`)));
  });
}

/** @throws {AgentError} whatever went wrong */
async function withinTime(ask, giveUp) {
  const timer = setTimeout(giveUp, TIMEOUT_MS);
  try {
    return await ask();
  } catch (error) {
    const code = error instanceof ResponseError ? error.data?.code : undefined;
    if (code === undefined) throw noAgent('The agent went away, or did not answer in time.');
    throw new AgentError(code, error.message, error.data.remedy);
  } finally {
    clearTimeout(timer);
  }
}

const noAgent = (message) =>
  new AgentError('no_agent', message, 'Start one with "interlock start" or "interlock agent".');
