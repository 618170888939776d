import type { BulkResult } from '../../protocol/api.ts';
import { EXIT, type ExitCode } from '../exitCodes.ts';
import type { CliSession } from '../session.ts';
import { plural } from './table.ts';

/** Tells what became of each job. @returns failed when one was refused */
export function answerBulk(session: CliSession, verb: string, result: BulkResult): ExitCode {
  session.answer(result, () => {
    const { style } = session;
    const lines: string[] = [];
    if (result.done.length > 0) {
      lines.push(
        style.good(`${verb} ${plural(result.done.length, 'job')}: ${result.done.join(', ')}.`),
      );
    }
    for (const { id, why } of result.refused) {
      lines.push(style.warning(`Not ${verb.toLowerCase()}: ${id}: ${why}`));
    }
    return lines.length === 0
      ? `Nothing to do: no job is to be ${verb.toLowerCase()}.`
      : lines.join('\n');
  });
  return result.refused.length === 0 ? EXIT.done : EXIT.failed;
}
