import { existsSync } from 'node:fs';
import * as path from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { InterlockError } from '../../common/errors.ts';
import {
  adapterExpected,
  isBuiltInAdapter,
  type BuiltInAdapter,
} from '../../config/builtInAdapters.ts';
import type { StreamAdapter } from './adapter.ts';
import { binanceSpotAdapter } from './binanceSpot.ts';
import { kiteAdapter } from './kite.ts';
import { loadAdapter } from './loadAdapter.ts';

export interface AdapterChoice {
  /** As the config has it: a built-in name, a file, or nothing for the JSON default. */
  adapter: string | undefined;
  /** Of the stream. */
  url: string;
  /** Where files are looked for. */
  workspace: string;
  clock: Clock;
  loadModule: (file: string) => Promise<unknown>;
}

/**
 * The adapter that a stream speaks by. Each stream gets one of its own.
 * @throws InterlockError `bad_config` when there is none by that name, or it can not be used
 */
export async function adapterOfStream(choice: AdapterChoice): Promise<StreamAdapter> {
  const { adapter, workspace, loadModule } = choice;
  if (adapter === undefined) return loadAdapter(undefined, loadModule);
  if (isBuiltInAdapter(adapter)) return builtInAdapter(adapter, choice);
  const file = path.resolve(workspace, adapter);
  if (!existsSync(file)) throw unknownAdapter(adapter, file);
  return loadAdapter(file, loadModule);
}

function builtInAdapter(name: BuiltInAdapter, { url, clock }: AdapterChoice): StreamAdapter {
  switch (name) {
    case 'binance-spot':
      return binanceSpotAdapter({ url, clock, fetch: (where, options) => fetch(where, options) });
    case 'kite':
      return kiteAdapter();
  }
}

function unknownAdapter(adapter: string, file: string): InterlockError {
  return new InterlockError({
    code: 'bad_config',
    message: `There is no stream adapter "${adapter}": expected ${adapterExpected(adapter, file)}.`,
    remedy: 'Correct "adapter" in interlock.config.json, then restart the stream.',
    details: { adapter, file },
  });
}
