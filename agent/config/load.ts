import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  parseTree,
  printParseErrorCode,
  getNodeValue,
  type Node,
  type ParseError,
} from 'jsonc-parser';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { ConfigProblem } from './configProblem.ts';
import { applyEnvironment } from './environment.ts';
import { withSchemaFilesIn } from './payloadSchema.ts';
import { problemLines, problemsOf, valueAt } from './problemsOf.ts';
import { withTlsFilesIn } from './redisConfig.ts';
import { checkReferences } from './references.ts';
import { configSchema, type Config } from './schema.ts';
import { checkUniqueRules } from './uniqueRules.ts';

export const CONFIG_FILE = 'interlock.config.json';

const NO_SUCH_SETTING = 'no such setting exists here: remove it, or correct its spelling';

export interface LoadedConfig {
  config: Config;
  /** null: there is no config file, and everything has its default. */
  file: string | null;
}

/**
 * Reads and checks the config of a workspace; variables of the environment have the last word.
 * @throws InterlockError `bad_config` that names every path, value and expectation
 */
export function loadConfig(workspace: string, env: NodeJS.ProcessEnv = process.env): LoadedConfig {
  const file = path.join(workspace, CONFIG_FILE);
  const written = readConfig(file, workspace);
  const { config, problems } = applyEnvironment(written ?? configSchema.parse({}), env);
  if (problems.length > 0) throw badConfig('The environment', problems);
  return { config, file: written === null ? null : file };
}

function readConfig(file: string, workspace: string): Config | null {
  if (!existsSync(file)) return null;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InterlockError({
      code: 'bad_config',
      message: `${file} can not be read: ${messageOf(error)}.`,
      remedy: 'Make the file readable.',
    });
  }
  return parseConfig(text, file, workspace);
}

/** The check itself, on a text. `workspace` is where handler and adapter files are looked for. */
export function parseConfig(text: string, file: string, workspace: string): Config {
  const raw = parseJsonWithComments(text, file);
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success)
    throw badConfig(file, problemsOf(parsed.error.issues, raw, '(file)', NO_SUCH_SETTING));
  const problems = [...checkUniqueRules(parsed.data), ...checkReferences(parsed.data, workspace)];
  if (problems.length > 0)
    throw badConfig(
      file,
      problems.map((one) => asWritten(one, raw)),
    );
  return {
    ...withSchemaFilesIn(workspace, parsed.data),
    redis: withTlsFilesIn(workspace, parsed.data.redis),
  };
}

function parseJsonWithComments(text: string, file: string): unknown {
  const errors: ParseError[] = [];
  // Some editors put a byte order mark first.
  const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, { allowTrailingComma: true });
  const first = errors[0];
  if (first !== undefined || root === undefined) {
    const at = first === undefined ? 'the beginning' : lineAndColumn(text, first.offset);
    const what = first === undefined ? 'it is empty' : printParseErrorCode(first.error);
    throw new InterlockError({
      code: 'bad_config',
      message: `${file} is not JSON: ${what} at ${at}.`,
      remedy: 'Correct the file; comments and trailing commas are allowed.',
      details: { problems: [] },
    });
  }
  const twice = findDuplicateKeys(root, []);
  if (twice.length > 0) throw badConfig(file, twice);
  return getNodeValue(root);
}

/** JSON lets a key stand twice and the last one win: two streams of one name would be one, in silence. */
function findDuplicateKeys(node: Node, at: string[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    if (node.type !== 'object') {
      problems.push(...findDuplicateKeys(child, at));
      continue;
    }
    const [keyNode, valueNode] = child.children ?? [];
    if (keyNode === undefined) continue;
    const key = String(keyNode.value);
    const here = [...at, key];
    if (seen.has(key)) {
      problems.push({
        path: here.join('.'),
        value: valueNode === undefined ? undefined : getNodeValue(valueNode),
        expected: 'each name once: another entry has this name already',
      });
    }
    seen.add(key);
    if (valueNode !== undefined) problems.push(...findDuplicateKeys(valueNode, here));
  }
  return problems;
}

function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** A person looks for what stands in the file, "10ms", and not for what it was read as. */
function asWritten(problem: ConfigProblem, raw: unknown): ConfigProblem {
  return { ...problem, value: valueAt(raw, problem.path.split('.')) ?? problem.value };
}

function badConfig(file: string, problems: ConfigProblem[]): InterlockError {
  return new InterlockError({
    code: 'bad_config',
    message: `${file} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problemLines(problems)}`,
    remedy: 'Correct the file; the editor completes and checks it when Interlock is installed.',
    details: { file, problems },
  });
}
