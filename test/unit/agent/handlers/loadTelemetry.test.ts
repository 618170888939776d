import assert from 'node:assert/strict';
import { InterlockError } from '../../../../agent/common/errors.ts';
import { loadTelemetry } from '../../../../agent/handlers/loadTelemetry.ts';

const nothing = () => undefined;
/** As a class makes it: its methods are not its own properties. */
class Tracer {
  startSpan = nothing;
}
class ContextManager {
  with(): void {}
  active(): void {}
  getMetadata(): void {}
  fromMetadata(): void {}
}
const telemetry = { tracer: new Tracer(), contextManager: new ContextManager() };
const load = (module: unknown) => loadTelemetry('/w/telemetry.ts', () => Promise.resolve(module));

describe('a telemetry module', () => {
  it('gives its default export as it is, and is told of the end', async () => {
    let ended = 0;
    const shutdown = () => {
      ended += 1;
      return Promise.resolve();
    };
    const loaded = await load({ default: telemetry, shutdown });
    assert.equal(loaded.telemetry, telemetry);
    await loaded.shutdown();
    assert.equal(ended, 1);
    await (await load({ default: telemetry })).shutdown();
  });

  it('may be CommonJS', async () => {
    assert.equal((await load({ default: { default: telemetry } })).telemetry, telemetry);
  });

  const wrong: [string, unknown][] = [
    ['without a default export', {}],
    ['without a tracer', { default: { contextManager: telemetry.contextManager } }],
    ['without a part of the context manager', { default: { ...telemetry, contextManager: {} } }],
    ['with a shutdown that is none', { default: telemetry, shutdown: 1 }],
  ];
  for (const [what, module] of wrong) {
    it(`${what} is a bad config that names the file`, async () => {
      await assert.rejects(load(module), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'bad_config');
        assert.match(error.message, /\/w\/telemetry\.ts can not be used/);
        return error.remedy !== undefined;
      });
    });
  }

  it('that can not be loaded says why', async () => {
    const load = loadTelemetry('/w/t.ts', () => Promise.reject(new Error('no such package')));
    await assert.rejects(load, /no such package/);
  });
});
