/** One thing to ask of the server. */
export interface SubscriptionStep {
  readonly type: 'subscribe' | 'unsubscribe';
  readonly symbols: string[];
}

/**
 * What should be subscribed on a connection, and what is on its socket. Only the difference is asked
 * for, and only when it can be sent: a symbol that comes and goes before that costs nothing.
 */
export class Subscription {
  private wanted: ReadonlySet<string>;
  private readonly onSocket = new Set<string>();
  private readonly missing = new Set<string>();
  private readonly surplus = new Set<string>();

  constructor(symbols: Iterable<string>) {
    this.wanted = new Set(symbols);
    this.forgetSocket();
  }

  get size(): number {
    return this.wanted.size;
  }

  /** Whether all that is wanted has been asked for, and nothing else. */
  get isReached(): boolean {
    return this.missing.size === 0 && this.surplus.size === 0;
  }

  /** Replaces what should be subscribed; the order of adding is kept. */
  want(symbols: Iterable<string>): void {
    this.wanted = new Set(symbols);
    this.compare();
  }

  /** A new socket: nothing is subscribed on it. */
  forgetSocket(): void {
    this.onSocket.clear();
    this.compare();
  }

  /**
   * The next thing to ask for, which counts as done from now on. What is to go comes first: it makes
   * room where a venue counts symbols per connection.
   * @returns null when the socket has what is wanted
   */
  next(maxSymbols: number): SubscriptionStep | null {
    if (this.surplus.size > 0) {
      const symbols = take(this.surplus, maxSymbols);
      for (const symbol of symbols) this.onSocket.delete(symbol);
      return { type: 'unsubscribe', symbols };
    }
    if (this.missing.size === 0) return null;
    const symbols = take(this.missing, maxSymbols);
    for (const symbol of symbols) this.onSocket.add(symbol);
    return { type: 'subscribe', symbols };
  }

  /** What is subscribed on the socket now. */
  subscribed(): string[] {
    return [...this.onSocket];
  }

  private compare(): void {
    this.missing.clear();
    this.surplus.clear();
    for (const symbol of this.wanted) if (!this.onSocket.has(symbol)) this.missing.add(symbol);
    for (const symbol of this.onSocket) if (!this.wanted.has(symbol)) this.surplus.add(symbol);
  }
}

function take(from: Set<string>, max: number): string[] {
  const taken: string[] = [];
  for (const symbol of from) {
    if (taken.length >= max) break;
    from.delete(symbol);
    taken.push(symbol);
  }
  return taken;
}
