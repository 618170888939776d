import type { Readable } from 'node:stream';
import type { AgentMessage, HostArguments } from './hostProtocol.ts';
import type { OpenInspector } from './openInspector.ts';

export type CompartmentKind = 'process' | 'thread';

/** What a compartment is made for. */
export interface HostSetup extends HostArguments {
  /** Where `handlerHost.js` and what it needs lie. */
  programFolder: string;
  /** Of a thread's heap; left out, it is Node's own limit. */
  heapLimitMb?: number;
}

/** How a compartment ended. */
export interface CompartmentEnd {
  /** Exit code, signal or cause, in words. */
  how: string;
  /** It ended itself, because its agent was silent. */
  heardNothing: boolean;
}

export interface CompartmentEvents {
  received(message: unknown): void;
  /** Once, after its last messages and its output. */
  ended(end: CompartmentEnd): void;
}

/** What a host runs in: a process, or a thread of the agent. */
export interface Compartment {
  /** Tells it from others in the log. */
  readonly label: Record<string, number | undefined>;
  /** Undefined for a thread, and for a process that could not be started. */
  readonly pid: number | undefined;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  send(batch: AgentMessage[]): void;
  /** Ends it, whatever it does. */
  kill(): void;
  /** @param url where the inspector of a process will listen; that of a thread has no port */
  inspectorAt(url: Promise<string>): OpenInspector;
  /** The debugger is gone, and no other one is to come. */
  closeInspector(): void;
}
