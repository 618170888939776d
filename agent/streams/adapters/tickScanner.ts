import { SymbolTable } from '../symbols/symbolTable.ts';

/** What the way of a tick through the agent depends on. */
export interface ScannedTick {
  readonly symbol: string;
  /** NaN: the tick has none. */
  readonly seq: number;
  /** The time in it, where that is a number; NaN: it is none. */
  readonly ts: number;
  /** The time in it, where that is a text. */
  readonly tsText: string | undefined;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const FIRST_BEYOND_ASCII = 0x80;

/** Numbers of so many digits are exact. */
const EXACT_DIGITS = 15;
/** Far from where a number without an exponent becomes infinite. */
const MOST_NUMBER_BYTES = 40;

/** "It is not one of those": see `scan`. */
const NO = -1;

const SYMBOL = Buffer.from('symbol');
const PRICE = Buffer.from('price');
const SEQ = Buffer.from('seq');
const TS = Buffer.from('ts');
const CONSTANTS = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/** One bit for each field that may come once only: of two, `JSON.parse` takes the last. */
const HAS_SYMBOL = 1;
const HAS_PRICE = 2;
const HAS_SEQ = 4;
const HAS_TS = 8;

/**
 * Reads what has to be known of a tick out of its bytes, without making an object of it: what was
 * received goes on as it came, and `JSON.parse` was the largest part of its way. It knows the plain
 * form only: one object of texts without escapes, numbers without exponents, and constants. Whatever
 * else there is, right or wrong, is left to `JSON.parse`; a test holds the two together.
 */
export class TickScanner implements ScannedTick {
  symbol = '';
  seq = NaN;
  ts = NaN;
  tsText: string | undefined;
  private seen = 0;
  private readonly symbols = new SymbolTable();

  /**
   * @param bytes of a text frame, which is valid UTF-8
   * @returns whether it is one tick in the plain form; then the fields are its, until the next call
   */
  scan(bytes: Buffer): boolean {
    this.seen = 0;
    this.seq = NaN;
    this.ts = NaN;
    this.tsText = undefined;
    let at = afterSpace(bytes, 0);
    if (bytes[at] !== OPEN_BRACE) return false;
    do {
      at = this.field(bytes, afterSpace(bytes, at + 1));
      if (at === NO) return false;
      at = afterSpace(bytes, at);
    } while (bytes[at] === COMMA);
    if (bytes[at] !== CLOSE_BRACE || afterSpace(bytes, at + 1) !== bytes.length) return false;
    return (this.seen & (HAS_SYMBOL | HAS_PRICE)) === (HAS_SYMBOL | HAS_PRICE);
  }

  /** @returns where the field ends, or NO */
  private field(bytes: Buffer, begin: number): number {
    const nameEnd = textEnd(bytes, begin, FIRST_BEYOND_ASCII);
    if (nameEnd === NO) return NO;
    let at = afterSpace(bytes, nameEnd);
    if (bytes[at] !== COLON) return NO;
    at = afterSpace(bytes, at + 1);
    const name = begin + 1;
    switch (nameEnd - 1 - name) {
      case SYMBOL.length:
        return isAt(bytes, name, SYMBOL) ? this.symbolField(bytes, at) : valueEnd(bytes, at);
      case PRICE.length:
        return isAt(bytes, name, PRICE) ? this.priceField(bytes, at) : valueEnd(bytes, at);
      case SEQ.length:
        return isAt(bytes, name, SEQ) ? this.seqField(bytes, at) : valueEnd(bytes, at);
      case TS.length:
        return isAt(bytes, name, TS) ? this.tsField(bytes, at) : valueEnd(bytes, at);
      default:
        return valueEnd(bytes, at);
    }
  }

  private symbolField(bytes: Buffer, at: number): number {
    const end = textEnd(bytes, at, FIRST_BEYOND_ASCII);
    if (end - at <= 2 || !this.isFirst(HAS_SYMBOL)) return NO;
    this.symbol = this.symbols.find(bytes, at + 1, end - 1);
    return end;
  }

  private priceField(bytes: Buffer, at: number): number {
    return this.isFirst(HAS_PRICE) ? numberEnd(bytes, at) : NO;
  }

  private seqField(bytes: Buffer, at: number): number {
    const end = numberEnd(bytes, at);
    if (end === NO || !this.isFirst(HAS_SEQ)) return NO;
    this.seq = wholeNumber(bytes, at, end);
    return Number.isNaN(this.seq) ? NO : end;
  }

  private tsField(bytes: Buffer, at: number): number {
    if (!this.isFirst(HAS_TS)) return NO;
    if (bytes[at] === QUOTE) {
      const textEndsAt = textEnd(bytes, at, FIRST_BEYOND_ASCII);
      if (textEndsAt !== NO) this.tsText = bytes.toString('latin1', at + 1, textEndsAt - 1);
      return textEndsAt;
    }
    const end = numberEnd(bytes, at);
    if (end === NO) return NO;
    this.ts = wholeNumber(bytes, at, end);
    if (Number.isNaN(this.ts)) this.ts = Number(bytes.toString('latin1', at, end));
    return end;
  }

  private isFirst(field: number): boolean {
    const isFirst = (this.seen & field) === 0;
    this.seen |= field;
    return isFirst;
  }
}

function afterSpace(bytes: Buffer, from: number): number {
  // Mostly there is none.
  if ((bytes[from] ?? 0) > SPACE) return from;
  let at = from;
  for (;;) {
    const byte = bytes[at];
    // Space, tab, line feed and carriage return, as JSON has it.
    if (byte !== SPACE && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return at;
    at += 1;
  }
}

/** @returns where the value ends, or NO */
function valueEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === QUOTE) return textEnd(bytes, at, Infinity);
  for (const word of CONSTANTS) if (isAt(bytes, at, word)) return at + word.length;
  return numberEnd(bytes, at);
}

/** @returns behind the closing quote, or NO: no text, one with escapes, or with a byte from `beyond` on */
function textEnd(bytes: Buffer, begin: number, beyond: number): number {
  if (bytes[begin] !== QUOTE) return NO;
  for (let at = begin + 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < SPACE || byte === BACKSLASH || byte >= beyond) return NO;
  }
  return NO;
}

/** @returns where the number ends, or NO; what follows is not its business */
function numberEnd(bytes: Buffer, begin: number): number {
  const first = bytes[begin] === MINUS ? begin + 1 : begin;
  let end = digitsEnd(bytes, first);
  // JSON knows no 007.
  if (end === first || (bytes[first] === ZERO && end > first + 1)) return NO;
  if (bytes[end] === POINT) {
    const fraction = end + 1;
    end = digitsEnd(bytes, fraction);
    if (end === fraction) return NO;
  }
  return end - begin > MOST_NUMBER_BYTES ? NO : end;
}

function digitsEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return at;
    at += 1;
  }
}

/** Of a number that ends there. @returns NaN when it has a sign, a point, or too many digits */
function wholeNumber(bytes: Buffer, begin: number, end: number): number {
  if (end - begin > EXACT_DIGITS) return NaN;
  let value = 0;
  for (let at = begin; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO) return NaN;
    value = value * 10 + (byte - ZERO);
  }
  return value;
}

function isAt(bytes: Buffer, at: number, word: Buffer): boolean {
  for (let index = 0; index < word.length; index += 1) {
    if (bytes[at + index] !== word[index]) return false;
  }
  return true;
}
