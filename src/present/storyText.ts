import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type { StoryEvent, StoryName, StoryResult } from '../../agent/protocol/api.ts';
import { formatCount } from './age.ts';
import { textTable } from './textTable.ts';
import type { Translate } from './translate.ts';

export const STORIES: readonly StoryName[] = [
  'page-refresh',
  'double-scheduler',
  'stacking',
  'lock-timeout',
  'worker-crash',
  'frozen-holder',
];

export function storyTitle(story: StoryName, t: Translate): string {
  switch (story) {
    case 'page-refresh':
      return t('Page refresh');
    case 'double-scheduler':
      return t('Double scheduler');
    case 'stacking':
      return t('Stacking');
    case 'lock-timeout':
      return t('Lock timeout');
    case 'worker-crash':
      return t('Worker crash');
    case 'frozen-holder':
      return t('Frozen holder');
    default:
      return assertNever(story);
  }
}

/** What goes wrong in it where nothing protects. */
export function storyPlot(story: StoryName, t: Translate): string {
  switch (story) {
    case 'page-refresh':
      return t('a page is loaded again, and its stream is opened once more');
    case 'double-scheduler':
      return t('two schedulers enqueue the same slot');
    case 'stacking':
      return t('jobs take longer than their interval and pile up');
    case 'lock-timeout':
      return t('a lock ends by age while its job still runs, which runs twice');
    case 'worker-crash':
      return t('a worker is killed in the middle of a run');
    case 'frozen-holder':
      return t('a holder freezes, is replaced, and wakes up again');
    default:
      return assertNever(story);
  }
}

/** `12 s  agent 1: enqueues the job`. */
export function storyLine(event: StoryEvent): string {
  return `${formatDuration(event.atMs)} · ${event.actor}: ${event.text}`;
}

/** One run of a story, or the same one without and with protection. */
export function storyDocument(results: readonly StoryResult[], t: Translate): string {
  const [first] = results;
  if (first === undefined) return '';
  return [
    `# ${t('Simulated story: {0}', storyTitle(first.story, t))}`,
    '',
    t('What may go wrong: {0}.', storyPlot(first.story, t)),
    '',
    ...(results.length > 1 ? [...comparison(results, t), ''] : []),
    ...results.flatMap((result) => [...chapter(result, results.length > 1, t), '']),
  ].join('\n');
}

function chapter(result: StoryResult, compared: boolean, t: Translate): string[] {
  const events = result.timeline.map((event) => [
    formatDuration(event.atMs),
    toneSign(event.tone),
    event.actor,
    event.text,
  ]);
  const figures = Object.entries(result.figures).map(([name, value]) => [name, formatCount(value)]);
  return [
    `## ${modeName(result, t)}`,
    '',
    `${result.bug ? '✗' : '✓'} ${result.verdict}`,
    '',
    ...(compared ? [] : [...textTable([t('figure'), t('value')], figures, [1]), '']),
    ...textTable([t('time'), '', t('who'), t('what happened')], events, [0]),
    '',
    result.timeScale === 1
      ? t('It took {0}.', formatDuration(result.ms))
      : t(
          'It took {0}: one second was {1} seconds of the story.',
          formatDuration(result.ms),
          formatCount(result.timeScale),
        ),
  ];
}

/** The figures of all of them, side by side. */
function comparison(results: readonly StoryResult[], t: Translate): string[] {
  const names = [...new Set(results.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = names.map((name) => [
    name,
    ...results.map(({ figures }) => {
      const value = figures[name];
      return value === undefined ? '' : formatCount(value);
    }),
  ]);
  const verdicts = [t('the bug shows'), ...results.map(({ bug }) => (bug ? t('yes') : t('no')))];
  const columns = results.map((_, index) => index + 1);
  const head = [t('figure'), ...results.map((result) => modeName(result, t))];
  return textTable(head, [verdicts, ...rows], columns);
}

function modeName({ naive }: StoryResult, t: Translate): string {
  return naive ? t('Without protection') : t('With protection');
}

function toneSign(tone: StoryEvent['tone']): string {
  switch (tone) {
    case 'good':
      return '✓';
    case 'bad':
      return '✗';
    case 'neutral':
      return '';
    default:
      return assertNever(tone);
  }
}
