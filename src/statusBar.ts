import * as vscode from 'vscode';
import type { Clock, Timer } from '../agent/common/clock.ts';
import { VIEWS } from './contributions.ts';
import { DisposableStore, type Disposable } from './disposable.ts';
import { dashboardFacts, statusText, type StatusSubject } from './present/statusText.ts';
import type { Translate } from './present/translate.ts';
import { factsTooltip } from './views/tooltip.ts';

const PRIORITY = 50;
const REDRAW_MS = 500;

/** One quiet item: streams live of wanted. It changes colour only when someone must act. */
export class StatusBar implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly item: vscode.StatusBarItem;
  private timer: Timer | undefined;

  constructor(
    private readonly read: () => StatusSubject,
    private readonly clock: Clock,
    private readonly t: Translate,
  ) {
    this.item = this.disposables.add(
      vscode.window.createStatusBarItem(
        'interlock.status',
        vscode.StatusBarAlignment.Left,
        PRIORITY,
      ),
    );
    this.item.name = 'Interlock';
    this.draw();
  }

  /** Changes come in bursts; the item is drawn once for each. */
  update(): void {
    this.timer ??= this.clock.setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, REDRAW_MS);
  }

  dispose(): void {
    this.timer?.cancel();
    this.disposables.dispose();
  }

  private draw(): void {
    const subject = this.read();
    const status = statusText(subject, this.t);
    if (status === undefined) {
      this.item.hide();
      return;
    }
    this.item.text = status.text;
    this.item.accessibilityInformation = { label: status.spoken };
    this.item.backgroundColor =
      status.alarm === 'none'
        ? undefined
        : new vscode.ThemeColor(`statusBarItem.${status.alarm}Background`);
    this.item.command = `${status.view ?? VIEWS.streams}.focus`;
    const trouble = subject.problem ?? configProblem(subject);
    const closing =
      trouble === undefined ? '' : [trouble.message, trouble.remedy ?? ''].join(' ').trim();
    this.item.tooltip = factsTooltip(status.spoken, dashboardFacts(subject, this.t), closing);
    this.item.show();
  }
}

function configProblem(subject: StatusSubject): { message: string; remedy?: string } | undefined {
  const trouble = subject.store.agent?.configTrouble ?? null;
  return trouble === null ? undefined : { message: trouble };
}
