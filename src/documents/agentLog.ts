import { watch, type FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../agent/common/errors.ts';
import type { Disposable } from '../disposable.ts';
import type { Logger } from '../logging.ts';

const AGENT_LOG_FILE = 'agent.log';
/** Of a log that was written before anyone looked, only the end matters. */
const FIRST_READ_BYTES = 64 * 1_024;

const logLine = z.looseObject({ level: z.number(), msg: z.string().optional() });

/** Copies what the agent writes to its log file into this window's log, from the moment it is asked. */
export class AgentLog implements Disposable {
  private watcher: FSWatcher | undefined;
  private offset: number | undefined;
  private reading = Promise.resolve();
  private followed: string | undefined;

  constructor(private readonly log: Logger) {}

  /** Follows the log in this state folder, and stops following another one. */
  follow(stateFolder: string): Promise<void> {
    const file = path.join(stateFolder, AGENT_LOG_FILE);
    if (this.followed !== file) {
      this.dispose();
      this.followed = file;
      try {
        this.watcher = watch(stateFolder, { persistent: false }, (_event, name) => {
          if (name === AGENT_LOG_FILE) void this.readMore(file);
        });
        this.watcher.on('error', () => this.dispose());
      } catch (error) {
        this.log.debug(`no agent log in ${stateFolder}: ${messageOf(error)}`);
      }
    }
    return this.readMore(file);
  }

  dispose(): void {
    this.watcher?.close();
    this.watcher = undefined;
    this.offset = undefined;
    this.followed = undefined;
  }

  /** One read at a time, so that no line comes twice. */
  private readMore(file: string): Promise<void> {
    this.reading = this.reading
      .then(() => this.read(file))
      .catch((error: unknown) => {
        this.log.debug(`the agent's log can not be read: ${messageOf(error)}`);
      });
    return this.reading;
  }

  private async read(file: string): Promise<void> {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      // A smaller file than before was begun anew.
      const known = this.offset !== undefined && this.offset <= size ? this.offset : undefined;
      const start = known ?? Math.max(0, size - FIRST_READ_BYTES);
      const buffer = Buffer.alloc(size - start);
      await handle.read(buffer, 0, buffer.length, start);
      const end = buffer.lastIndexOf('\n') + 1;
      this.offset = start + end;
      const lines = buffer.subarray(0, end).toString('utf8').split('\n');
      // Beginning in the middle of the file is beginning in the middle of a line.
      for (const line of lines.slice(known === undefined && start > 0 ? 1 : 0)) this.write(line);
    } finally {
      await handle.close();
    }
  }

  private write(line: string): void {
    if (line.trim() === '') return;
    const parsed = logLine.safeParse(parseJson(line));
    if (!parsed.success) {
      this.log.info(line);
      return;
    }
    const { level, msg = '', ...fields } = parsed.data;
    const facts = Object.entries(fields)
      .filter(([name]) => name !== 'at')
      .map(([name, value]) => `${name}=${factText(value)}`);
    this.log[levelName(level)]([msg, ...facts].join(' '));
  }
}

/** pino's numbers. */
function levelName(level: number): 'trace' | 'debug' | 'info' | 'warn' | 'error' {
  if (level >= 50) return 'error';
  if (level >= 40) return 'warn';
  if (level >= 30) return 'info';
  return level >= 20 ? 'debug' : 'trace';
}

function factText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
