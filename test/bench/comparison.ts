import { median, medianRatio } from './statistics.ts';

/** Rates in operations per second, one for each round. */
export interface Comparison {
  ours: number[];
  peer: number[];
}

/**
 * Measures both sides in turn, A B, B A, A B …, so that neither always comes first. The first round
 * warms up and is not counted.
 */
export async function compare(
  rounds: number,
  ours: (round: string) => Promise<number>,
  peer: (round: string) => Promise<number>,
): Promise<Comparison> {
  const result: Comparison = { ours: [], peer: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const turns = [
      async () => result.ours.push(await ours(`a${round}`)),
      async () => result.peer.push(await peer(`b${round}`)),
    ];
    if (round % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  return { ours: result.ours.slice(1), peer: result.peer.slice(1) };
}

export function merge(parts: Comparison[]): Comparison {
  return {
    ours: parts.flatMap((part) => part.ours),
    peer: parts.flatMap((part) => part.peer),
  };
}

export interface ComparisonFigures {
  ours: number;
  peer: number;
  ratio: number;
}

export function figuresOf(comparison: Comparison): ComparisonFigures {
  return {
    ours: median(comparison.ours),
    peer: median(comparison.peer),
    ratio: medianRatio(comparison.ours, comparison.peer),
  };
}
