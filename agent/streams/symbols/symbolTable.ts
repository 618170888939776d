const FIRST_SLOTS = 64;
/** A feed that makes up symbols must not fill the memory. */
const MOST_SYMBOLS = 10_000;
/** Further ones are not looked at: a symbol that lies there is made anew each time. */
const MOST_PROBES = 32;

/**
 * Symbols by their bytes: each becomes a text once. A text that is made anew for each of 100,000
 * frames a second is work for the garbage collector, and has to be hashed again wherever it is looked up.
 */
export class SymbolTable {
  private slots = emptySlots(FIRST_SLOTS);
  private count = 0;

  /** @param bytes ASCII between `from` and `to` */
  find(bytes: Buffer, from: number, to: number): string {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = hashOf(bytes, from, to) & mask;
    for (let probes = 0; probes < MOST_PROBES; probes += 1) {
      const known = slots[slot] ?? '';
      if (known === '') return this.add(slot, bytes.toString('latin1', from, to));
      if (isSame(known, bytes, from, to)) return known;
      slot = (slot + 1) & mask;
    }
    return bytes.toString('latin1', from, to);
  }

  private add(slot: number, symbol: string): string {
    if (symbol === '') return symbol;
    this.slots[slot] = symbol;
    this.count += 1;
    if (this.count * 2 > this.slots.length) this.grow();
    return symbol;
  }

  /** Filled again as the symbols come. */
  private grow(): void {
    const isFull = this.count >= MOST_SYMBOLS;
    this.slots = emptySlots(isFull ? FIRST_SLOTS : this.slots.length * 2);
    this.count = 0;
  }
}

/** A power of two, so that a hash is cut off by a mask. */
function emptySlots(count: number): string[] {
  return new Array<string>(count).fill('');
}

function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0;
  for (let at = from; at < to; at += 1) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
  return hash;
}

function isSame(known: string, bytes: Buffer, from: number, to: number): boolean {
  if (known.length !== to - from) return false;
  for (let at = from; at < to; at += 1) {
    if (known.charCodeAt(at - from) !== bytes[at]) return false;
  }
  return true;
}
