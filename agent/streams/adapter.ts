import * as z from 'zod';
import { InterlockError, messageOf } from '../common/errors.ts';
import { jsonAdapter } from './jsonAdapter.ts';
import { tick, type Tick } from './tick.ts';

/** What is sent and received: text frames as text, binary frames as bytes. */
export type Frame = string | Uint8Array;

/** Speaks the language of one feed. */
export interface StreamAdapter {
  /** Frames to send after connecting. */
  subscribe(symbols: readonly string[]): Frame[];
  /** Frames to send before a polite close. */
  unsubscribe(symbols: readonly string[]): Frame[];
  /**
   * @returns the ticks of a frame; none for a frame that is only talk
   * @throws when the frame is not understood; it is counted, and the connection lives on
   */
  parse(frame: Frame): Tick[];
}

const isFunction = z.custom<(input: unknown) => unknown>((value) => typeof value === 'function', {
  error: 'expected a function',
});
const frames = z.array(z.union([z.string(), z.instanceof(Uint8Array)]), {
  error: 'expected an array of texts or bytes',
});
const ticks = z.array(tick);

const adapterModule = z.object({
  default: z.object(
    { subscribe: isFunction, unsubscribe: isFunction.optional(), parse: isFunction },
    { error: 'expected an object with "subscribe" and "parse" as the default export' },
  ),
});

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
  if (!parsed.success) {
    throw badAdapter(file, z.prettifyError(parsed.error), undefined);
  }
  const user = parsed.data.default;
  return {
    subscribe: (symbols) => frames.parse(user.subscribe([...symbols])),
    unsubscribe: (symbols) => frames.parse(user.unsubscribe?.([...symbols]) ?? []),
    parse: (frame) => ticks.parse(user.parse(frame) ?? []),
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
