/** The answer is here before the rows that show its effect: so long a second click is too early. */
const SETTLE_MS = 2_000;

interface Call {
  action: string;
  sinceMs: number;
  endsAtMs: number;
}

/**
 * Calls that wait for their answer, or for its effect to show, by what they are about: a second
 * click is not a second call.
 */
export class CallsUnderWay {
  /** The last call about each subject: another action about it makes it count no more. */
  private readonly lastBySubject = new Map<string, Call>();

  /** @param nowMs milliseconds that only grow */
  constructor(private readonly nowMs: () => number) {}

  /** How long ago this was asked, in milliseconds; undefined when it may be asked. */
  ageMs(action: string, subject: string): number | undefined {
    const call = this.lastBySubject.get(subject);
    if (call?.action !== action || call.endsAtMs <= this.nowMs()) return undefined;
    return this.nowMs() - call.sinceMs;
  }

  /** @param isDone whether its effect will show in a moment; else a second try is welcome */
  async run<T>(
    action: string,
    subject: string,
    call: () => Promise<T>,
    isDone: (answer: T) => boolean,
  ): Promise<T> {
    const entry: Call = { action, sinceMs: this.nowMs(), endsAtMs: Infinity };
    this.lastBySubject.set(subject, entry);
    let done = false;
    try {
      const answer = await call();
      done = isDone(answer);
      return answer;
    } finally {
      entry.endsAtMs = done ? this.nowMs() + SETTLE_MS : 0;
    }
  }
}
