export type WantedState = 'running' | 'stopped';

/** What a person wants of each stream, for every agent of this Redis. Not listed = running. */
export interface WantedStore {
  get(): Promise<Record<string, WantedState>>;
  set(stream: string, value: WantedState): Promise<void>;
}
