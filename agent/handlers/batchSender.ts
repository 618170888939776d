/**
 * Collects the messages of one turn of the event loop and sends them as one: a system call and a
 * wake-up of the other process for each message cost more than the message itself.
 */
export class BatchSender<Message> {
  readonly #send: (batch: Message[]) => void;
  #batch: Message[] = [];

  constructor(send: (batch: Message[]) => void) {
    this.#send = send;
  }

  add(message: Message): void {
    if (this.#batch.push(message) === 1) setImmediate(() => this.flush());
  }

  /** Sends what is collected now, for a sender that has no next turn. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#send(batch);
  }
}
