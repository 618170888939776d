/** Adapters that come with Interlock, by the name that stands in the config. */
export const BUILT_IN_ADAPTERS = ['binance-spot', 'kite'] as const;

export type BuiltInAdapter = (typeof BUILT_IN_ADAPTERS)[number];

export function isBuiltInAdapter(name: string): name is BuiltInAdapter {
  return BUILT_IN_ADAPTERS.some((known) => known === name);
}

/** What may stand in the config, as the end of a sentence that begins with "expected". */
export function adapterExpected(name: string, lookedAt: string): string {
  const known = BUILT_IN_ADAPTERS.map((one) => `"${one}"`).join(', ');
  return looksLikeFile(name)
    ? `a file that exists: there is none at ${lookedAt}`
    : `a built-in adapter (${known}), or a file that exists: there is none at ${lookedAt}`;
}

/** A folder or an extension in it: a file was meant, and not one of the names above. */
function looksLikeFile(name: string): boolean {
  return /[\\/]|\.[cm]?[jt]s$/.test(name);
}
