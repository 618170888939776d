import type { Gap } from '../adapters/adapter.ts';
import type { Tick } from '../adapters/tick.ts';

/** Ticks that are held during an overlap, of all symbols together, and for how long: then they go on. */
const MOST_HELD = 10_000;
const HELD_FOR_MS = 2_000;
/** A feed that makes up symbols must not fill the memory: further ones pass without an account. */
const MOST_SYMBOLS = 100_000;
/** One of two connections may be that far behind the other. What repeats itself later has begun anew. */
const REPEATS_FOR_MS = 5_000;

const NO_GAPS: readonly Gap[] = [];

export interface Accepted {
  /** To be handed on, in order per symbol. */
  fresh: Tick[];
  gaps: readonly Gap[];
}

export interface SymbolFigures {
  /** That were handed on. */
  ticks: number;
  /** That never came, as the numbers tell. */
  gaps: number;
  lastTickMs: number | null;
}

interface Account {
  readonly symbol: string;
  ticks: number;
  gaps: number;
  /** NaN = none. Not null: a field that holds both makes each new time an object of its own. */
  lastTickMs: number;
  /** The number that comes next; NaN = none came yet. */
  next: number;
  /** `next` when the last overlap ended. While it is still the same, nothing new came since. */
  nextAtEnd: number;
  /** What came too early during an overlap, by number, each once. */
  held: Held[] | undefined;
}

interface Held {
  seq: number;
  tick: Tick;
}

interface Outcome {
  fresh: Tick[];
  gaps: Gap[];
}

/**
 * Accounts for the ticks of one shard by symbol, whichever of its connections they come from.
 *
 * Outside of an overlap nothing is dropped: a tick that comes twice is handed on, because a handler
 * that stores by key loses nothing by it, and a feed that starts counting anew must not be mistaken
 * for a repetition.
 *
 * During an overlap two connections say the same, one of them a little later. Each number is handed
 * on once and in order: one that was there is dropped, and one that comes too early is held until
 * those before it have come from the other connection. A symbol that had no number before the overlap
 * is held as a whole, because it is not known which connection is ahead. What is held goes on after
 * 2 s, beyond 10,000 ticks, or with the end of the overlap; what is missing then is a gap. Lower
 * numbers 5 s after the last new one are a feed that began anew. Ticks without a number always pass.
 */
export class SymbolLedger {
  /** Ticks that never came. */
  gaps = 0;
  /** Ticks with the number of the tick before; handed on. */
  duplicates = 0;
  /** Times a symbol's numbers went back: the feed was restarted, or repeats itself; handed on. */
  resets = 0;
  /** Ticks of an overlap that had come before: dropped. */
  repeated = 0;
  private readonly accounts = new Map<string, Account>();
  private overlapping = false;
  /** Wall clock, epoch ms. */
  private repeatsUntilMs = 0;
  private heldSinceMs = 0;
  private heldCount = 0;

  /**
   * @param nowMs epoch ms at which the ticks came
   * @returns what is to be handed on; the same array when no overlap is near
   */
  accept(ticks: Tick[], nowMs: number): Accepted {
    return this.overlapping ? this.acceptTwofold(ticks, nowMs) : this.acceptSingle(ticks, nowMs);
  }

  /**
   * The hot path. A tick of a known symbol that has the next number, or none, while no overlap is near.
   * @param seq NaN: it has none
   * @returns whether it was that; any other is for `accept`
   */
  acceptNext(symbol: string, seq: number, nowMs: number): boolean {
    if (this.overlapping) return false;
    const account = this.accounts.get(symbol);
    if (account === undefined) return false;
    const isNumbered = !Number.isNaN(seq);
    if (isNumbered && seq !== account.next) return false;
    record(account, isNumbered ? seq : undefined, nowMs);
    return true;
  }

  /** @returns undefined when no tick of it came */
  row(symbol: string): SymbolFigures | undefined {
    const account = this.accounts.get(symbol);
    if (account === undefined) return undefined;
    const { ticks, gaps, lastTickMs } = account;
    return { ticks, gaps, lastTickMs: Number.isNaN(lastTickMs) ? null : lastTickMs };
  }

  /** The number of each symbol that was handed on last. */
  lastSeqs(): Record<string, number> {
    const numbered = [...this.accounts.values()].filter(({ next }) => !Number.isNaN(next));
    return Object.fromEntries(numbered.map(({ symbol, next }) => [symbol, next - 1]));
  }

  /**
   * From now on two connections deliver the same symbols.
   * @param lastSeqs what another agent handed on before; up to these numbers all is repetition
   */
  beginOverlap(lastSeqs: Record<string, number> = {}): void {
    this.overlapping = true;
    for (const [symbol, seq] of Object.entries(lastSeqs)) {
      const account = this.accounts.get(symbol) ?? this.open(symbol);
      if (account !== undefined && !(account.next > seq)) account.next = seq + 1;
    }
  }

  /**
   * One connection is left. For some seconds it may still repeat what the other one said: that is
   * dropped, until the first tick of its symbol that is new.
   * @returns what was held, with the gaps in it: to be handed on
   */
  endOverlap(nowMs: number): Accepted {
    const outcome: Outcome = { fresh: [], gaps: [] };
    if (!this.overlapping) return outcome;
    this.releaseAll(outcome, nowMs);
    this.overlapping = false;
    this.repeatsUntilMs = nowMs + REPEATS_FOR_MS;
    for (const account of this.accounts.values()) account.nextAtEnd = account.next;
    return outcome;
  }

  /** What another holder handed on last: what is missing since then is a gap. */
  continueFrom(lastSeqs: Readonly<Record<string, number>>): void {
    for (const [symbol, seq] of Object.entries(lastSeqs)) {
      const account = this.accounts.get(symbol) ?? this.open(symbol);
      if (account !== undefined) account.next = seq + 1;
    }
  }

  /** Forgets symbols: they are subscribed no more, and may begin anew later. */
  forget(symbols: readonly string[]): void {
    for (const symbol of symbols) {
      this.heldCount -= this.accounts.get(symbol)?.held?.length ?? 0;
      this.accounts.delete(symbol);
    }
  }

  /** Nothing is made for a tick that comes as expected. */
  private acceptSingle(ticks: Tick[], nowMs: number): Accepted {
    let fresh = ticks;
    let gaps: Gap[] | undefined;
    let index = 0;
    for (const tick of ticks) {
      const { seq } = tick;
      const account = this.accounts.get(tick.symbol) ?? this.open(tick.symbol);
      if (seq !== undefined && account !== undefined && seq !== account.next) {
        if (this.isLateRepetition(account, seq, nowMs)) {
          this.repeated += 1;
          if (fresh === ticks) fresh = ticks.slice(0, index);
          index += 1;
          continue;
        }
        const gap = this.jump(account, seq);
        if (gap !== undefined) (gaps ??= []).push(gap);
      }
      record(account, seq, nowMs);
      if (fresh !== ticks) fresh.push(tick);
      index += 1;
    }
    return { fresh, gaps: gaps ?? NO_GAPS };
  }

  private acceptTwofold(ticks: Tick[], nowMs: number): Accepted {
    const outcome: Outcome = { fresh: [], gaps: [] };
    if (this.heldCount > 0 && nowMs - this.heldSinceMs >= HELD_FOR_MS) {
      this.releaseAll(outcome, nowMs);
    }
    for (const tick of ticks) {
      const { seq } = tick;
      const account = this.accounts.get(tick.symbol) ?? this.open(tick.symbol);
      if (seq === undefined || account === undefined || seq === account.next) {
        record(account, seq, nowMs);
        outcome.fresh.push(tick);
        if (account?.held !== undefined) this.release(account, 'connected', outcome, nowMs);
      } else if (isRepetition(account, seq, nowMs)) {
        this.repeated += 1;
      } else if (seq < account.next) {
        this.release(account, 'all', outcome, nowMs);
        this.jump(account, seq);
        record(account, seq, nowMs);
        outcome.fresh.push(tick);
      } else {
        this.hold(account, { seq, tick }, nowMs);
        if (this.heldCount > MOST_HELD) this.releaseAll(outcome, nowMs);
      }
    }
    return outcome;
  }

  private hold(account: Account, one: Held, nowMs: number): void {
    const held = (account.held ??= []);
    // From the end: the numbers of a connection grow.
    let at = held.length;
    while (at > 0 && (held[at - 1]?.seq ?? 0) > one.seq) at -= 1;
    if (at > 0 && held[at - 1]?.seq === one.seq) {
      this.repeated += 1;
      return;
    }
    held.splice(at, 0, one);
    if (this.heldCount === 0) this.heldSinceMs = nowMs;
    this.heldCount += 1;
  }

  private releaseAll(outcome: Outcome, nowMs: number): void {
    if (this.heldCount === 0) return;
    for (const account of this.accounts.values()) this.release(account, 'all', outcome, nowMs);
  }

  /** Hands on what is held of a symbol: all of it, or what follows without a hole. */
  private release(
    account: Account,
    what: 'connected' | 'all',
    outcome: Outcome,
    nowMs: number,
  ): void {
    const held = account.held ?? [];
    let done = 0;
    for (const { seq, tick } of held) {
      if (seq < account.next) {
        this.repeated += 1;
      } else {
        if (seq !== account.next && what === 'connected') break;
        const gap = seq === account.next ? undefined : this.jump(account, seq);
        if (gap !== undefined) outcome.gaps.push(gap);
        record(account, seq, nowMs);
        outcome.fresh.push(tick);
      }
      done += 1;
    }
    this.heldCount -= done;
    if (done === held.length) account.held = undefined;
    else held.splice(0, done);
  }

  /** Counts a number that is not the next one. @returns the gap before it, if it is one */
  private jump(account: Account, seq: number): Gap | undefined {
    const { symbol, next } = account;
    if (seq > next) {
      const missing = seq - next;
      this.gaps += missing;
      account.gaps += missing;
      return { symbol, after: next - 1, before: seq, missing };
    }
    if (seq === next - 1) this.duplicates += 1;
    else if (seq < next) this.resets += 1;
    return undefined;
  }

  private isLateRepetition(account: Account, seq: number, nowMs: number): boolean {
    return seq < account.next && account.next === account.nextAtEnd && nowMs < this.repeatsUntilMs;
  }

  private open(symbol: string): Account | undefined {
    if (this.accounts.size >= MOST_SYMBOLS) return undefined;
    const figures = { ticks: 0, gaps: 0, lastTickMs: NaN };
    const account: Account = { symbol, ...figures, next: NaN, nextAtEnd: NaN, held: undefined };
    this.accounts.set(symbol, account);
    return account;
  }
}

/** During an overlap. A symbol of which nothing new came for long may have begun anew. */
function isRepetition({ next, lastTickMs }: Account, seq: number, nowMs: number): boolean {
  // NaN is less than nothing: a symbol without a number repeats none.
  if (!(seq < next)) return false;
  return seq === next - 1 || !(nowMs - lastTickMs >= REPEATS_FOR_MS);
}

function record(account: Account | undefined, seq: number | undefined, nowMs: number): void {
  if (account === undefined) return;
  account.ticks += 1;
  account.lastTickMs = nowMs;
  if (seq !== undefined) account.next = seq + 1;
}
