import { Session } from 'node:inspector';
import type { InspectorConnection, InspectorEvents, OpenInspector } from './openInspector.ts';

/**
 * The inspector of one worker thread, reached from the main thread of this process, without a port:
 * nothing outside can attach, and the main thread itself is not seen by what attaches here.
 */
export class ThreadInspector {
  readonly #session = new Session();
  readonly #name: string;
  readonly #onAttached: () => void;
  #threadSession: string | undefined;
  #events: InspectorEvents | undefined;
  #isClosed = false;

  /**
   * To be made before the thread: it is attached to as it starts.
   * @param name of the thread, which no other thread has
   * @param onAttached from now on the thread may wait for a debugger
   */
  constructor(name: string, onAttached: () => void) {
    this.#name = name;
    this.#onAttached = onAttached;
    const session = this.#session;
    session.connect();
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      this.#attached(params.sessionId, params.workerInfo.title);
    });
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (params.sessionId === this.#threadSession) this.#events?.received(params.message);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      if (params.sessionId === this.#threadSession) this.close();
    });
    // No thread waits at its start: those of other runs go on, and this one waits by itself.
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /** Lets one debugger talk to the thread. */
  readonly open: OpenInspector = (events): InspectorConnection => {
    this.#events = events;
    setImmediate(() => {
      if (this.#isClosed) events.closed();
      else events.opened();
    });
    return { send: (frame) => this.#send(frame), close: () => this.close() };
  };

  /** Lets the thread go on by itself. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // The end of the session alone would leave a thread that stands still as it is.
    if (this.#threadSession !== undefined) this.#detach(this.#threadSession);
    this.#session.disconnect();
    this.#events?.closed();
  }

  #attached(sessionId: string, title: string): void {
    if (this.#isClosed) return;
    if (this.#threadSession !== undefined || !title.includes(this.#name)) {
      this.#detach(sessionId);
      return;
    }
    this.#threadSession = sessionId;
    this.#onAttached();
  }

  #send(message: string): void {
    const sessionId = this.#threadSession;
    if (sessionId === undefined || this.#isClosed) return;
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, ignoreGone);
  }

  #detach(sessionId: string): void {
    this.#session.post('NodeWorker.detach', { sessionId }, ignoreGone);
  }
}

/** A thread may end while it is talked to: that is told by its own end. */
const ignoreGone = () => undefined;
