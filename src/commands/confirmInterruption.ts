import * as vscode from 'vscode';
import { assertNever } from '../../agent/common/assertNever.ts';
import type { StreamRow } from '../../agent/protocol/model.ts';
import { formatCount } from '../present/age.ts';

/**
 * Asks before connections that live are closed.
 * @param streams those that have some; nobody is asked when there is none
 */
export async function confirmInterruption(
  action: 'stop' | 'restart',
  streams: readonly StreamRow[],
): Promise<boolean> {
  if (streams.length === 0) return true;
  const names = streams.map(({ name }) => name).join(', ');
  const connections = streams.reduce((sum, { connected }) => sum + connected, 0);
  const { question, detail, answer } = words(action, names, formatCount(connections));
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, answer);
  return chosen === answer;
}

function words(
  action: 'stop' | 'restart',
  names: string,
  connections: string,
): { question: string; detail: string; answer: string } {
  const { t } = vscode.l10n;
  switch (action) {
    case 'stop':
      return {
        question: t('Stop {0}?', names),
        detail: t(
          'Live connections: {0}. They are closed wherever they run, and no tick comes until it is started again.',
          connections,
        ),
        answer: t('Stop'),
      };
    case 'restart':
      return {
        question: t('Restart {0}?', names),
        detail: t(
          'Live connections: {0}. They are closed and opened again, and ticks that come meanwhile are lost. Rotating them loses none.',
          connections,
        ),
        answer: t('Restart'),
      };
    default:
      return assertNever(action);
  }
}
