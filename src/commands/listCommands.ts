import { COMMANDS } from '../contributions.ts';
import { LoadMoreNode } from '../views/nodes/loadMoreNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';

export function listCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.listLoadMore> {
  return {
    [COMMANDS.listLoadMore]: async (node) => {
      if (!(node instanceof LoadMoreNode)) return;
      await node.source.load(context.agent.client);
      context.explorer.redraw(node.view, node.parent);
    },
  };
}
