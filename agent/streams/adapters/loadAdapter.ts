import * as z from 'zod';
import { InterlockError, messageOf } from '../../common/errors.ts';
import { streamLimits } from '../../config/schema.ts';
import type { StreamAdapter } from './adapter.ts';
import { jsonAdapter } from './jsonAdapter.ts';
import { isTickList, tick } from './tick.ts';

const isFunction = z.custom<(...input: unknown[]) => unknown>(
  (value) => typeof value === 'function',
  { error: 'expected a function' },
);
const frames = z.array(z.union([z.string(), z.instanceof(Uint8Array)]), {
  error: 'expected an array of texts or bytes',
});
const ticks = z.array(tick);
const parsedFrame = z.object({
  ticks: ticks.default([]),
  send: frames.optional(),
  rotate: z.string().optional(),
  refused: z.string().optional(),
});
const answer = z.union([ticks, parsedFrame]);

const adapterModule = z.object({
  default: z.object(
    {
      subscribe: isFunction,
      unsubscribe: isFunction.optional(),
      parse: isFunction,
      normalise: isFunction.optional(),
      resync: isFunction.optional(),
      limits: streamLimits.optional(),
    },
    { error: 'expected an object with "subscribe" and "parse" as the default export' },
  ),
});

type AdapterModule = z.infer<typeof adapterModule>['default'];

/**
 * The adapter of a stream: the JSON default, or the default export of the person's module, whose
 * answers are checked each time.
 * @param file absolute path of the module; undefined for the default
 * @throws InterlockError `bad_config` that names the file and the cause
 */
export async function loadAdapter(
  file: string | undefined,
  loadModule: (file: string) => Promise<unknown>,
): Promise<StreamAdapter> {
  if (file === undefined) return jsonAdapter;
  const parsed = adapterModule.safeParse(unwrapCommonJs(await loadOrExplain(file, loadModule)));
  if (!parsed.success) throw badAdapter(file, z.prettifyError(parsed.error), undefined);
  return checked(parsed.data.default);
}

function checked(user: AdapterModule): StreamAdapter {
  const { normalise, resync, limits } = user;
  return {
    subscribe: (symbols) => frames.parse(user.subscribe([...symbols])),
    unsubscribe: (symbols) => frames.parse(user.unsubscribe?.([...symbols]) ?? []),
    parse(frame) {
      const parsed = user.parse(frame) ?? [];
      return isTickList(parsed) ? parsed : answer.parse(parsed);
    },
    ...(normalise === undefined
      ? {}
      : { normalise: (symbol) => z.string().min(1).parse(normalise(symbol)) }),
    ...(resync === undefined
      ? {}
      : { resync: async (gap) => parsedFrame.parse((await resync(gap)) ?? {}) }),
    ...(limits === undefined ? {} : { limits }),
  };
}

async function loadOrExplain(
  file: string,
  loadModule: (file: string) => Promise<unknown>,
): Promise<unknown> {
  try {
    return await loadModule(file);
  } catch (error) {
    throw badAdapter(file, messageOf(error), error);
  }
}

/** A CommonJS module that was compiled from `export default` comes as `{ default: { default } }`. */
function unwrapCommonJs(module: unknown): unknown {
  const twice = z.object({ default: z.object({ default: z.unknown() }) }).safeParse(module);
  return twice.success && twice.data.default.default !== undefined ? twice.data.default : module;
}

function badAdapter(file: string, why: string, cause: unknown): InterlockError {
  return new InterlockError({
    code: 'bad_config',
    message: `The stream adapter ${file} can not be used: ${why}`,
    remedy:
      'Its default export must be { subscribe(symbols), parse(frame) }. Correct it, then restart the stream.',
    details: { file },
    cause,
  });
}
