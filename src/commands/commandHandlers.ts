import { agentCommands } from './agentCommands.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { configCommands } from './configCommands.ts';
import { debugCommands } from './debugCommands.ts';
import { decisionCommands } from './decisionCommands.ts';
import { historyCommands } from './historyCommands.ts';
import { jobCommands } from './jobCommands.ts';
import { listCommands } from './listCommands.ts';
import { lockCommands } from './lockCommands.ts';
import { orphanCommands } from './orphanCommands.ts';
import { queueCommands } from './queueCommands.ts';
import { scheduleCommands } from './scheduleCommands.ts';
import { simulateCommands } from './simulateCommands.ts';
import { storyCommands } from './storyCommands.ts';
import { streamCommands } from './streamCommands.ts';
import { symbolCommands } from './symbolCommands.ts';

/** Every command of the manifest. Loaded when the first one is called. */
export function commandHandlers(context: CommandContext): CommandHandlers {
  return {
    ...agentCommands(context),
    ...streamCommands(context),
    ...symbolCommands(context),
    ...jobCommands(context),
    ...debugCommands(context),
    ...queueCommands(context),
    ...scheduleCommands(context),
    ...simulateCommands(context),
    ...configCommands(context),
    ...decisionCommands(context),
    ...lockCommands(context),
    ...orphanCommands(context),
    ...historyCommands(context),
    ...storyCommands(context),
    ...listCommands(context),
  };
}
