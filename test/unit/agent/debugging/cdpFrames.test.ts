import assert from 'node:assert/strict';
import { CdpFrames } from '../../../../agent/debugging/cdpFrames.ts';

const frame = (method: string, params: object) => JSON.stringify({ method, params });
const paused = (scriptId: string, lineNumber: number) =>
  frame('Debugger.paused', { callFrames: [{ location: { scriptId, lineNumber } }] });

describe('frames between a debugger and an inspector', () => {
  it('tell where a run stands still, and that it goes on', () => {
    const frames = new CdpFrames();
    const script = frame('Debugger.scriptParsed', { scriptId: '7', url: 'file:///w/a%20b.ts?v=1' });
    assert.equal(frames.read(script), undefined);
    assert.deepEqual(frames.read(paused('7', 4)), { kind: 'paused', at: '/w/a b.ts:5' });
    assert.deepEqual(frames.read(paused('8', 0)), { kind: 'paused', at: 'code without a file:1' });
    assert.deepEqual(frames.read(frame('Debugger.resumed', {})), { kind: 'resumed' });
  });

  it('that are about something else, or are no frames, tell nothing', () => {
    const frames = new CdpFrames();
    for (const text of ['', '{', frame('Runtime.consoleAPICalled', {}), '{"id":1,"result":{}}'])
      assert.equal(frames.read(text), undefined);
    assert.equal(frames.read('{"method":"Debugger.scriptParsed","params":{'), undefined);
    assert.equal(frames.read('{"method":"Debugger.paused","params":7}')?.kind, 'paused');
  });

  it('do not show the thread of ours', () => {
    const frames = new CdpFrames();
    const worker = (url: string) => frame('NodeWorker.attachedToWorker', { workerInfo: { url } });
    assert.equal(frames.concernsDebugger(worker('file:///x/handlerWatchdog.js')), false);
    assert.equal(frames.concernsDebugger(worker('file:///w/mine.js')), true);
  });

  it('do not let a debugger know which process it could end', () => {
    const frames = new CdpFrames();
    const expression = "typeof process === 'undefined' ? 'no' : ({ processId: process.pid })";
    const asked = JSON.stringify({
      ...{ id: 3, method: 'Runtime.evaluate', params: { expression, returnByValue: true } },
    });
    assert.deepEqual(JSON.parse(frames.toInspector(asked)), {
      ...{ id: 3, method: 'Runtime.evaluate' },
      params: { expression: 'undefined', returnByValue: true },
    });
    const other = JSON.stringify({ id: 4, method: 'Debugger.resume' });
    assert.equal(frames.toInspector(other), other);
  });
});
