import type { JsonValue } from '../../../common/json.ts';
import type { RedisConnections } from '../../../redis/connections.ts';
import type { RedisClient } from '../../../redis/redisClient.ts';
import type { Scripts } from '../../../redis/scripts.ts';
import type { ActorEnvironment } from '../actorMessages.ts';
import type { StoryLog } from '../storyLog.ts';

/** What a process of a story has, whatever its part. */
export interface PartContext extends ActorEnvironment {
  connections: RedisConnections;
  /** For commands. */
  redis: RedisClient;
  scripts: Scripts;
  log: StoryLog;
  /** What happened outside a command went wrong: the story fails. */
  fail: (error: unknown) => void;
}

/** The part that a process plays. */
export interface Part {
  /** @throws Error for a command that it does not know */
  do(command: string, args: JsonValue): Promise<JsonValue>;
}

/** Opens a part with what the story says about it. */
export type OpenPart = (context: PartContext, options: JsonValue) => Promise<Part>;

type Command = (args: JsonValue) => Promise<JsonValue | undefined>;

/** A part that knows these commands. */
export function partOf(commands: Record<string, Command> = {}): Part {
  return {
    async do(name, args) {
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (command === undefined) throw new Error(`It knows no command "${name}".`);
      return (await command(args)) ?? null;
    },
  };
}
