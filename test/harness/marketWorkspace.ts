import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { CONFIG_FILE } from '../../agent/config/load.ts';
import { makeWorkspace, PROJECT_ROOT, type TestWorkspace } from './workspace.ts';

const MARKET = path.join(PROJECT_ROOT, 'examples', 'market');

/** What a run leaves behind is not copied. */
const RUN_RESULTS = ['.interlock', 'data', 'node_modules'];

/** A copy of the example project whose stream goes to another feed server. */
export function makeMarketWorkspace(feedUrl: string): TestWorkspace {
  const workspace = makeWorkspace();
  cpSync(MARKET, workspace.folder, {
    recursive: true,
    filter: (from) => !RUN_RESULTS.includes(path.basename(from)),
  });
  const config = path.join(workspace.folder, CONFIG_FILE);
  const text = readFileSync(config, 'utf8').replace(/ws:\/\/127\.0\.0\.1:\d+\/ticks/, feedUrl);
  if (!text.includes(feedUrl)) throw new Error(`${CONFIG_FILE} of the example has no stream`);
  writeFileSync(config, text);
  return workspace;
}
