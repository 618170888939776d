export type Paint = (text: string) => string;

/** Colours by meaning. */
export interface Style {
  heading: Paint;
  quiet: Paint;
  good: Paint;
  warning: Paint;
  bad: Paint;
}

const plain: Paint = (text) => text;
const paint =
  (open: number, close: number): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`;

const COLOURED: Style = {
  heading: paint(1, 22),
  quiet: paint(2, 22),
  good: paint(32, 39),
  warning: paint(33, 39),
  bad: paint(31, 39),
};

const PLAIN: Style = { heading: plain, quiet: plain, good: plain, warning: plain, bad: plain };

/** Colours only for a terminal, and not where NO_COLOR asks for none (https://no-color.org). */
export function styleFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Style {
  const unwanted = env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '';
  return isTerminal && !unwanted && env['TERM'] !== 'dumb' ? COLOURED : PLAIN;
}

// eslint-disable-next-line no-control-regex -- the escape character is what is looked for
const ESCAPES = /\u001b\[\d+m/g;

/** Characters that a person sees. */
export function visibleLength(text: string): number {
  return text.replace(ESCAPES, '').length;
}

/** Cuts a coloured line to a width; colours opened before the cut are closed. */
export function truncateVisible(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text;
  let shown = '';
  let room = Math.max(0, columns - 1);
  let at = 0;
  while (room > 0 && at < text.length) {
    ESCAPES.lastIndex = at;
    const escape = ESCAPES.exec(text);
    if (escape?.index === at) {
      shown += escape[0];
      at += escape[0].length;
      continue;
    }
    shown += text.charAt(at);
    at += 1;
    room -= 1;
  }
  ESCAPES.lastIndex = 0;
  return shown.includes('\u001b[') ? `${shown}…\u001b[0m` : `${shown}…`;
}
