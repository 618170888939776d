import { assertNever } from '../../common/assertNever.ts';
import type { StoryEvent, StoryName, StoryResult } from '../../protocol/api.ts';
import type { Paint, Style } from './style.ts';
import { formatCount } from './table.ts';

export const STORY_SUMMARIES: Record<StoryName, string> = {
  'page-refresh': 'refreshes of a page, in several processes, ask for one stream',
  'double-scheduler': 'two schedulers enqueue what is due; one of them is killed',
  stacking: 'a job that takes longer than its interval',
  'lock-timeout': 'a job of 30 minutes, and locks that are old after 5',
  'worker-crash': 'kill -9 of a worker that runs a job',
  'frozen-holder': 'a holder is frozen for longer than its lock lives, and comes back',
};

const ACTOR_WIDTH = 12;

/** `stacking, without protection: a job that takes longer than its interval`. */
export function storyHeading(story: StoryName, naive: boolean, style: Style): string {
  const how = naive ? 'without protection' : 'with protection';
  return `${style.heading(story)}, ${how}: ${STORY_SUMMARIES[story]}`;
}

/** One line of the timeline: time of the story, who, what. */
export function storyLine(event: StoryEvent, timeScale: number, style: Style): string {
  const time = style.quiet(formatStoryTime(event.atMs, timeScale));
  return `${time}  ${event.actor.padEnd(ACTOR_WIDTH)}  ${toneOf(event, style)(event.text)}`;
}

/** The verdict and the figures, below the timeline. */
export function storyEndText(result: StoryResult, style: Style): string {
  const figures = Object.entries(result.figures).map(
    ([name, value]) => `${figureName(name)} ${formatCount(value)}`,
  );
  const scale =
    result.timeScale === 1 ? '' : `, 1 s of it was ${formatCount(result.timeScale)} s of the story`;
  return [
    '',
    verdictText(result, style),
    style.quiet(`${figures.join(', ')}. It took ${(result.ms / 1_000).toFixed(1)} s${scale}.`),
  ].join('\n');
}

/** `01:30` in a story whose time runs faster, ` 1.305 s` in one that does not. */
export function formatStoryTime(atMs: number, timeScale: number): string {
  if (timeScale === 1) return `${(atMs / 1_000).toFixed(3).padStart(6)} s`;
  const seconds = Math.round(atMs / 1_000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

function verdictText({ naive, bug, verdict }: StoryResult, style: Style): string {
  if (naive) {
    return bug
      ? style.warning(`Without protection the bug shows. ${verdict}`)
      : style.bad(`Without protection, and yet the bug did not show. ${verdict}`);
  }
  return bug
    ? style.bad(`The promise was broken. ${verdict}`)
    : style.good(`The promise held. ${verdict}`);
}

function toneOf({ tone }: StoryEvent, style: Style): Paint {
  switch (tone) {
    case 'good':
      return style.good;
    case 'bad':
      return style.bad;
    case 'neutral':
      return (text) => text;
    default:
      return assertNever(tone);
  }
}

/** `mostSocketsAtOneTime`, `already_running` as words. */
function figureName(name: string): string {
  return name.replaceAll('_', ' ').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
