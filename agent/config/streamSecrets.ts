import type { ConfigProblem } from './configProblem.ts';
import type { Config } from './schema.ts';

/** `${env:NAME}` in the `url` of a stream. */
const VARIABLE = /\$\{env:([^}]*)\}/g;

/** What a shell accepts as the name of a variable. */
const NAME = /^[A-Za-z_]\w*$/;

const EXPECTED_PLACE =
  'a variable only in the user, the password or the query: host and path are shown to people';

/**
 * Puts the variables of the environment into the URLs of streams, so that no key has to stand in a
 * file. They are allowed only where no URL is ever shown, and are encoded for their place.
 */
export function withStreamSecrets(
  streams: Config['streams'],
  env: NodeJS.ProcessEnv,
): { streams: Config['streams']; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const entries = Object.entries(streams).map(([name, stream]) => {
    const add = (expected: string) =>
      problems.push({ path: `streams.${name}.url`, value: stream.url, expected });
    return [name, { ...stream, url: expand(stream.url, env, add) }] as const;
  });
  return { streams: Object.fromEntries(entries), problems };
}

function expand(url: string, env: NodeJS.ProcessEnv, add: (expected: string) => void): string {
  const names = [...url.matchAll(VARIABLE)].map((match) => match[1] ?? '');
  if (names.length === 0) return url;
  if (hiddenPartsRemoved(url).includes('${env:')) {
    add(EXPECTED_PLACE);
    return url;
  }
  for (const name of new Set(names)) {
    if (!NAME.test(name)) add(`the name of a variable in \${env:…}, and not "${name}"`);
    else if ((env[name] ?? '') === '') add(`the environment variable ${name}, which is not set`);
  }
  return url.replace(VARIABLE, (_all, name: string) => encodeURIComponent(env[name] ?? ''));
}

/** The URL without user, password and query, cut as text: it need not be a URL yet. */
function hiddenPartsRemoved(url: string): string {
  const [shown = ''] = url.split('?', 1);
  return shown.replace(/^(\w+:\/\/)[^/]*@/, '$1');
}
