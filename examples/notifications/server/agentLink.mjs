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

/**
 * Where the agent of a workspace keeps its state, unless `--state-dir` says otherwise.
 * @param {string} workspace
 * @returns {string}
 */
export function stateFolderOf(workspace) {
  const hash = createHash('sha256').update(realpathSync(workspace)).digest('hex');
  return path.join(os.homedir(), '.interlock', hash.slice(0, 12));
}

/**
 * How an application talks to its agent: JSON-RPC over a socket. It connects when it is needed, and
 * again after the agent was restarted.
 */
export class AgentLink {
  /** @type {Promise<{ request(method: string, params: object): Promise<any>, agent: any }> | undefined} */
  #link;
  #stateFolder;

  /** @param {string} stateFolder */
  constructor(stateFolder) {
    this.#stateFolder = stateFolder;
  }

  /**
   * Asks the agent for a job of a declared type.
   * @returns {Promise<{ outcome: string, jobId: string | null }>} the decision; a refusal is one too
   * @throws {AgentError} it can not be told whether there is a job now when the code is `no_agent`
   */
  async enqueue(type, data) {
    const { request } = await this.#connected();
    const [decision] = await request('jobs/enqueue', { type, data });
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
    this.#link ??= openLink(this.#stateFolder, () => (this.#link = undefined)).catch((error) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }
}

async function openLink(stateFolder, onClose) {
  const record = readRecord(stateFolder);
  const socket = await connectTo(record.socketPath);
  const rpc = createMessageConnection(
    new StreamMessageReader(socket),
    new StreamMessageWriter(socket),
  );
  let isOpen = true;
  const dispose = () => {
    if (!isOpen) return;
    isOpen = false;
    onClose();
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
    if (code === undefined) throw noAgent('The agent went away before it answered.');
    throw new AgentError(code, error.message, error.data.remedy);
  } finally {
    clearTimeout(timer);
  }
}

const noAgent = (message) =>
  new AgentError('no_agent', message, 'Start one with "interlock start" or "interlock agent".');
