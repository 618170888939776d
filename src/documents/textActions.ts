import type { TextAction } from '../present/remedyActions.ts';

/** Where something can be clicked: above a line of a document, from 0. */
export interface LineAction extends TextAction {
  line: number;
}

/** A document that is written line by line, with something to click above some of them. */
export class DocumentWriter {
  readonly actions: LineAction[] = [];
  private readonly lines: string[] = [];

  /** @param actions stand above the first of these lines */
  add(lines: readonly string[], actions: readonly TextAction[] = []): this {
    for (const action of actions) this.actions.push({ ...action, line: this.lines.length });
    this.lines.push(...lines.flatMap((line) => line.split('\n')));
    return this;
  }

  get text(): string {
    return `${this.lines.join('\n')}\n`;
  }
}
