import type { Command } from 'commander';
import { InterlockError } from '../../common/errors.ts';
import { addGlobalOptions, commandPath } from '../defineCommand.ts';

const NOT_YET = '(not supported yet)';

/** Commands of later versions: known by name, so that nobody takes them for a typing error. */
export function addNotYetCommands(program: Command): void {
  addNotYet(
    program,
    'rerun',
    'run a job again with another payload',
    'interlock enqueue TYPE --data JSON',
  );
}

/** A command that says that it is not there yet, whatever its arguments. */
export function addNotYet(parent: Command, name: string, summary: string, instead: string): void {
  const command = parent.command(name).description(`${summary} ${NOT_YET}`);
  addGlobalOptions(command)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new InterlockError({
        code: 'not_supported_yet',
        message: `"${commandPath(command)}" is not supported yet in this version.`,
        remedy: `What there is: "${instead}".`,
      });
    });
}

export function isNotYet(command: Command): boolean {
  return command.description().endsWith(NOT_YET);
}
