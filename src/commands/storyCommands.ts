import * as vscode from 'vscode';
import {
  notifications,
  requests,
  type StoryName,
  type StoryResult,
} from '../../agent/protocol/api.ts';
import { COMMANDS } from '../contributions.ts';
import { STORIES, storyDocument, storyLine, storyPlot, storyTitle } from '../present/storyText.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { pickOne } from './quickPick.ts';

export function storyCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.simulateStory> {
  return {
    [COMMANDS.simulateStory]: async () => {
      const title = vscode.l10n.t('Simulate Story');
      const { t } = context.data;
      const stories = STORIES.map((story) => ({
        label: storyTitle(story, t),
        description: storyPlot(story, t),
        value: story,
      }));
      const story = await pickOne(title, stories);
      if (story === undefined) return;
      const modes = await pickOne(title, modeChoices());
      if (modes === undefined) return;
      const results: StoryResult[] = [];
      // One after the other: each has the whole machine, so that their times can be compared.
      for (const naive of modes) results.push(await simulate(context, story, naive));
      const name = modes.map((naive) => (naive ? 'naive' : 'protected')).join(' and ');
      await context.documents.show(`/story/${story} ${name}.md`, storyDocument(results, t));
    },
  };
}

function modeChoices(): { label: string; description: string; value: boolean[] }[] {
  return [
    {
      label: vscode.l10n.t('Both'),
      description: vscode.l10n.t('without and with protection, side by side'),
      value: [true, false],
    },
    {
      label: vscode.l10n.t('With protection'),
      description: vscode.l10n.t('as Interlock runs it'),
      value: [false],
    },
    {
      label: vscode.l10n.t('Without protection'),
      description: vscode.l10n.t('to see the bug, on a key space of its own'),
      value: [true],
    },
  ];
}

function simulate(
  context: CommandContext,
  story: StoryName,
  naive: boolean,
): Thenable<StoryResult> {
  const { client } = context.agent;
  const title = naive
    ? vscode.l10n.t('{0}, without protection', storyTitle(story, context.data.t))
    : vscode.l10n.t('{0}, with protection', storyTitle(story, context.data.t));
  const options = { location: vscode.ProgressLocation.Notification, title };
  return vscode.window.withProgress(options, async (progress) => {
    const listening = client.onNotification(notifications.storyEvent, (event) =>
      progress.report({ message: storyLine(event) }),
    );
    try {
      return await client.request(requests.simulateStory, { story, naive });
    } finally {
      listening.dispose();
    }
  });
}
