/** A source of chance in [0, 1). Passed in, so that tests decide. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();
