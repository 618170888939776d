import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  AGENT_RECORD_FILE,
  readAgentRecord,
  type AgentRecord,
} from '../../../../agent/protocol/agentRecord.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../harness/temporaryFolder.ts';

const RECORD: AgentRecord = {
  ...{ pid: 5, processStart: null, socketPath: '/s', token: 't' },
  ...{ protocol: 1, version: '0.1.0', agentId: 'a1' },
};

describe('the record of an agent', () => {
  let folder: TemporaryFolder;
  beforeEach(() => (folder = makeTemporaryFolder()));
  afterEach(() => folder.remove());
  const write = (text: string) => writeFileSync(path.join(folder.path, AGENT_RECORD_FILE), text);

  it('is read as it was written', () => {
    write(JSON.stringify(RECORD));
    assert.deepEqual(readAgentRecord(folder.path), RECORD);
  });

  it('is none where there is no file, half a file or a foreign one', () => {
    assert.equal(readAgentRecord(folder.path), undefined);
    const text = JSON.stringify(RECORD);
    for (const bad of [
      '',
      text.slice(0, -5),
      '[]',
      'null',
      JSON.stringify({ ...RECORD, pid: 'x' }),
    ]) {
      write(bad);
      assert.equal(readAgentRecord(folder.path), undefined, bad);
    }
  });
});
