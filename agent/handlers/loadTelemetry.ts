import type { Telemetry } from 'bullmq';
import * as z from 'zod';
import { InterlockError, messageOf } from '../common/errors.ts';

/** What a `telemetry` module gives: BullMQ's hook, and how to send what is left at the end. */
export interface LoadedTelemetry {
  telemetry: Telemetry;
  shutdown: () => Promise<void>;
}

const isFunction = (value: unknown) => typeof value === 'function';
const method = z.custom<(...input: unknown[]) => unknown>(isFunction, 'expected a function');
/** Instances of classes: their methods are looked at where they are. */
const shape = z.object({
  tracer: z.custom((value) => hasMethods(value, ['startSpan']), 'expected { startSpan }'),
  contextManager: z.custom(
    (value) => hasMethods(value, ['with', 'active', 'getMetadata', 'fromMetadata']),
    'expected { with, active, getMetadata, fromMetadata }',
  ),
});
const telemetrySchema = z.custom<Telemetry>((value) => shape.safeParse(value).success, {
  error: "expected BullMQ's Telemetry as the default export, such as new BullMQOtel(name)",
});
const moduleSchema = z.object({ default: telemetrySchema, shutdown: method.optional() });

/**
 * Loads the person's telemetry into this process.
 * @param file absolute path of the module
 * @throws InterlockError `bad_config` that names the file and the cause
 */
export async function loadTelemetry(
  file: string,
  loadModule: (file: string) => Promise<unknown>,
): Promise<LoadedTelemetry> {
  let module: unknown;
  try {
    module = await loadModule(file);
  } catch (error) {
    throw badTelemetry(file, messageOf(error), error);
  }
  const parsed = moduleSchema.safeParse(unwrapCommonJs(module));
  if (!parsed.success) throw badTelemetry(file, z.prettifyError(parsed.error), undefined);
  const { default: telemetry, shutdown } = parsed.data;
  return {
    telemetry,
    shutdown: async () => {
      await shutdown?.();
    },
  };
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => isFunction(Reflect.get(value, name)));
}

/** A CommonJS module that was compiled from `export default` comes as `{ default: { default } }`. */
function unwrapCommonJs(module: unknown): unknown {
  const twice = z
    .object({ default: z.looseObject({ default: telemetrySchema }) })
    .safeParse(module);
  return twice.success ? twice.data.default : module;
}

function badTelemetry(file: string, why: string, cause: unknown): InterlockError {
  return new InterlockError({
    code: 'bad_config',
    message: `The telemetry module ${file} can not be used: ${why}`,
    remedy: 'Correct it, or take "telemetry" out of the config.',
    details: { file },
    cause,
  });
}
