import type { Command } from 'commander';
import * as z from 'zod';
import { InterlockError } from '../../common/errors.ts';
import { symbolNames } from '../../common/symbolNames.ts';
import { requests } from '../../protocol/api.ts';
import { withAgent } from '../agentConnection.ts';
import { defineCommand, type CliRun } from '../defineCommand.ts';
import { EXIT } from '../exitCodes.ts';
import { wholeNumber } from '../flags.ts';
import { symbolsChangeText, symbolsText } from '../text/symbolText.ts';

const MAX_SHARD = 1_000_000;
const MAX_ROWS = 1_000;

const name = z.string().min(1);

/** What a stream is subscribed to: `streams symbols`, `streams add`, `streams remove`. */
export function addSymbolCommands(streams: Command, run: CliRun): void {
  defineCommand(streams, run, {
    name: 'symbols',
    summary: 'list the symbols of a stream with their figures',
    args: ['<name>'],
    options: [
      ['--search <text>', 'only those with this in their name'],
      ['--shard <n>', 'only those of this connection'],
      ['--limit <n>', `how many at most, up to ${MAX_ROWS} (default: 100)`],
    ],
    input: z.object({
      name,
      search: z.string().min(1).optional(),
      shard: wholeNumber(0, MAX_SHARD).optional(),
      limit: wholeNumber(1, MAX_ROWS).default(100),
    }),
    async run(session, { search, shard, ...rest }) {
      const params = {
        ...rest,
        ...(search === undefined ? {} : { search }),
        ...(shard === undefined ? {} : { shard }),
      };
      const page = await withAgent(session, (client) => client.request(requests.symbols, params));
      session.answer(page.rows, () => symbolsText(page, session.io.clock.now(), session.style));
      return EXIT.done;
    },
  });
  for (const [command, request, verb, summary] of [
    ['add', requests.addSymbols, 'added', 'subscribe to more symbols, while it runs'],
    ['remove', requests.removeSymbols, 'removed', 'unsubscribe from symbols, while it runs'],
  ] as const) {
    defineCommand(streams, run, {
      name: command,
      summary: `${summary}; prints what changed`,
      args: ['<name>', '<symbols...>'],
      input: z.object({ name, symbols: z.array(z.string()) }),
      async run(session, { name: stream, symbols }) {
        const params = { name: stream, symbols: namesOf(symbols) };
        const change = await withAgent(session, (client) => client.request(request, params));
        const nowMs = session.io.clock.now();
        session.answer(change, () => symbolsChangeText(change, verb, nowMs, session.style));
        return EXIT.done;
      },
    });
  }
}

/** Also `A,B`, as other tools write lists. @throws InterlockError `bad_usage` when nothing is named */
function namesOf(words: readonly string[]): string[] {
  const names = symbolNames(words.join(' '));
  if (names.length > 0) return names;
  throw new InterlockError({
    code: 'bad_usage',
    message: 'No symbol is named.',
    remedy: 'Name them with blanks or commas between: NSE:TCS NSE:INFY.',
  });
}
