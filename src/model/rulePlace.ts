import type { RuleRef } from './remedies.ts';

/** What counts in JSON with comments; whatever else stands there is a number, a word or a blank. */
const TOKEN = /\/\/.*|\/\*[^]*?\*\/|"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * Begin and end of the rule in the config's text; of the job type where it has no such rule, and
 * of nothing where it is not declared. Small on purpose: a whole parser would be a tenth of the
 * extension.
 */
export function rulePlace(text: string, { type, field }: RuleRef): [number, number] {
  const places = propertyPlaces(text);
  // A type may have either of the two, or only say that it is for monitoring.
  const fields = [field, 'unique', 'maxConcurrent', 'monitoring'];
  const paths = [...fields.map((name) => ['jobs', type, name]), ['jobs', type]];
  for (const path of paths) {
    const place = places.get(JSON.stringify(path));
    if (place !== undefined) return place;
  }
  return [0, 0];
}

interface Level {
  isObject: boolean;
  /** The property whose value is being read. */
  name: string;
  startsAt: number;
}

/** Where each property of the objects in a text begins and ends, by its path as JSON. */
function propertyPlaces(text: string): Map<string, [number, number]> {
  const places = new Map<string, [number, number]>();
  const levels: Level[] = [];
  const endProperty = (before: number) => {
    const level = levels.at(-1);
    if (level?.isObject !== true || level.name === '') return;
    const path = levels.filter(({ isObject }) => isObject).map(({ name }) => name);
    const end = text.slice(0, before).trimEnd().length;
    places.set(JSON.stringify(path), [level.startsAt, end]);
    level.name = '';
  };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith('/')) continue;
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      levels.push({ isObject: token === '{', name: '', startsAt: index });
    } else if (token === '}' || token === ']') {
      endProperty(index);
      levels.pop();
    } else if (token === ',') {
      endProperty(index);
    } else if (token.startsWith('"') && level?.isObject === true && level.name === '') {
      level.name = nameOf(token);
      level.startsAt = index;
    }
  }
  return places;
}

function nameOf(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    // Being typed just now.
    return token;
  }
}
