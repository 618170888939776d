export type WantedState = 'running' | 'stopped';

/** What a person wants of each stream, for every agent of this Redis. Not listed = running. */
export interface WantedStore {
  get(): Promise<Record<string, WantedState>>;
  /** @returns what was wanted until now: of many who ask for the same, one changes it */
  set(stream: string, value: WantedState): Promise<WantedState>;
}
