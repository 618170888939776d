import nodeModule from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import * as z from 'zod';
import { fileStamp, type FileStamp } from './hostProtocol.ts';
import { LoadedFiles } from './loadedFiles.ts';
import { isTypeScript } from './moduleFormat.ts';
import { fallbackUrl } from './typescriptResolver.ts';
import { TypeScriptSource } from './typescriptSource.ts';

export interface TypescriptSupport {
  /** Tells the files that were loaded up to now and are still on their way from the hooks' thread. */
  drain(): void;
}

type Load<Output> = (url: string, context: object) => Output;
type Resolve<Output> = (specifier: string, context: object) => Output;

/** Hooks in the same thread, for `import` and `require` alike: Node 22.15, 23.5 and later. */
interface SynchronousHooks {
  registerHooks(hooks: {
    resolve(
      specifier: string,
      context: { parentURL?: string | undefined },
      next: Resolve<unknown>,
    ): unknown;
    load(url: string, context: object, next: Load<unknown>): unknown;
  }): void;
}

/** `node:module` is a function, which `z.object` takes for none. */
const synchronousHooks = z.custom<SynchronousHooks>(
  (value) =>
    typeof value === 'function' &&
    'registerHooks' in value &&
    typeof value.registerHooks === 'function',
);

/**
 * @param loader what `node:module` is
 * @returns undefined on a Node that has none
 */
export function synchronousHooksOf(loader: unknown): SynchronousHooks | undefined {
  return synchronousHooks.safeParse(loader).data;
}

interface CommonJsModule {
  _compile(code: string, filename: string, format: 'commonjs' | 'module'): void;
}

type CommonJsExtension = (module: CommonJsModule, filename: string) => void;
type CommonJsResolve = (request: string, parent: unknown, ...rest: unknown[]) => string;

/** The parts of the CommonJS loader that everybody patches, and that Node therefore keeps. */
const commonJsLoader = z.custom<{
  _extensions: Record<string, CommonJsExtension>;
  _resolveFilename: CommonJsResolve;
}>((value) => typeof value === 'function' && '_extensions' in value && '_resolveFilename' in value);

/**
 * Lets this process load TypeScript, as ES module and as CommonJS. There is no way back, so it is
 * done once per process.
 * @param programFolder where `typescriptHooks.mjs` and amaro lie
 * @param onFile told each file of the user's code that is loaded, installed packages aside
 * @param debugged the file that a debugger waits for: all code carries a source map then
 */
export function registerTypescript(
  programFolder: string,
  onFile: (stamp: FileStamp) => void,
  debugged?: string,
): TypescriptSupport {
  const withMaps = debugged !== undefined;
  // Rewritten code carries a source map; stacks then name the lines that people wrote.
  process.setSourceMapsEnabled(true);
  const source = new TypeScriptSource(programFolder, withMaps);
  const files = new LoadedFiles(programFolder, onFile);
  const synchronous = synchronousHooksOf(nodeModule);
  if (synchronous !== undefined) {
    registerInThisThread(synchronous, source, files);
    // CommonJS that was imported requires past the hooks (Node 24).
    patchResolution(commonJsLoader.parse(nodeModule));
    if (debugged !== undefined) source.warmUp(debugged);
    return { drain: () => undefined };
  }
  patchCommonJs(source, files);
  return registerInHooksThread(programFolder, onFile, withMaps);
}

const registeredFrom = new Set<string>();

/** For a process that runs several handlers itself: hooks that were registered stay for its life. */
export function registerTypescriptOnce(programFolder: string): void {
  if (registeredFrom.has(programFolder)) return;
  registeredFrom.add(programFolder);
  registerTypescript(programFolder, () => undefined);
}

function registerInThisThread(
  hooks: SynchronousHooks,
  source: TypeScriptSource,
  files: LoadedFiles,
): void {
  hooks.registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        const url = fallbackUrl(specifier, context.parentURL, error);
        if (url === undefined) throw error;
        return next(url, context);
      }
    },
    load(url, context, next) {
      if (!url.startsWith('file:')) return next(url, context);
      const path = fileURLToPath(url);
      files.note(path);
      if (!isTypeScript(path)) return next(url, context);
      const { code, format } = source.read(path);
      return { format, source: code, shortCircuit: true };
    },
  });
}

function patchCommonJs(source: TypeScriptSource, files: LoadedFiles): void {
  const loader = commonJsLoader.parse(nodeModule);
  for (const [extension, original] of Object.entries(loader._extensions)) {
    loader._extensions[extension] = (module, filename) => {
      files.note(filename);
      original(module, filename);
    };
  }
  for (const extension of ['.ts', '.mts', '.cts']) {
    loader._extensions[extension] = (module, filename) => {
      files.note(filename);
      const { code, format } = source.read(filename);
      module._compile(code, filename, format);
    };
  }
  patchResolution(loader);
}

function patchResolution(loader: z.infer<typeof commonJsLoader>): void {
  const resolveFilename = loader._resolveFilename;
  loader._resolveFilename = (request, parent, ...rest) => {
    try {
      return resolveFilename.call(loader, request, parent, ...rest);
    } catch (error) {
      const url = fallbackUrl(request, urlOf(parent), error);
      if (url === undefined) throw error;
      return fileURLToPath(url);
    }
  };
}

function urlOf(parent: unknown): string | undefined {
  const filename = z.object({ filename: z.string() }).safeParse(parent);
  return filename.success ? pathToFileURL(filename.data.filename).href : undefined;
}

function registerInHooksThread(
  programFolder: string,
  onFile: (stamp: FileStamp) => void,
  withMaps: boolean,
): TypescriptSupport {
  const { port1: here, port2: there } = new MessageChannel();
  nodeModule.register(pathToFileURL(join(programFolder, 'typescriptHooks.mjs')), {
    data: { programFolder, port: there, withMaps },
    transferList: [there],
  });
  here.on('message', (message: unknown) => onFile(fileStamp.parse(message)));
  here.unref();
  return { drain: () => drainPort(here, onFile) };
}

/** Messages wait for the event loop; this takes those that have arrived. */
function drainPort(port: MessagePort, onFile: (stamp: FileStamp) => void): void {
  const envelope = z.object({ message: fileStamp });
  for (;;) {
    const received = envelope.safeParse(receiveMessageOnPort(port));
    if (!received.success) return;
    onFile(received.data.message);
  }
}
