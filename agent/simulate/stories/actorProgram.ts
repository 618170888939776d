import { toInterlockError } from '../../common/errors.ts';
import { RedisConnections } from '../../redis/connections.ts';
import { Scripts } from '../../redis/scripts.ts';
import {
  ACTOR_VARIABLE,
  actorEnvironment,
  toActor,
  type FromActor,
  type PartName,
  type ToActor,
} from './actorMessages.ts';
import { openAgent, type StartServices } from './parts/agentPart.ts';
import { openFeed } from './parts/feed.ts';
import { openNaiveDaemon } from './parts/naiveDaemon.ts';
import { openNaiveHolder } from './parts/naiveHolder.ts';
import { openNaiveListWorker } from './parts/naiveListWorker.ts';
import { openNaivePages } from './parts/naivePages.ts';
import { openNaiveTimer } from './parts/naiveTimer.ts';
import type { OpenPart, Part } from './parts/part.ts';
import { StoryKeys, StoryLog } from './storyLog.ts';

/**
 * One process of a simulated story: does what it is told to, until it is killed.
 * @param startServices wires the services of an agent together
 */
export function runStoryActor(startServices: StartServices): void {
  const parts: Record<PartName, OpenPart> = {
    agent: openAgent(startServices),
    feed: openFeed,
    naivePages: openNaivePages,
    naiveTimer: openNaiveTimer,
    naiveDaemon: openNaiveDaemon,
    naiveListWorker: openNaiveListWorker,
    naiveHolder: openNaiveHolder,
  };
  let part: Part | undefined;
  let guarded: number[] = [];

  const take = async (message: ToActor) => {
    switch (message.kind) {
      case 'setup':
        part = await open(parts[message.part], message.options);
        tell({ kind: 'ready' });
        return;
      case 'do': {
        const value = await part?.do(message.command, message.args);
        tell({ kind: 'done', id: message.id, value: value ?? null });
        return;
      }
      case 'guard':
        guarded = message.pids;
    }
  };

  process.on('message', (raw) => {
    const message = toActor.parse(raw);
    take(message).catch((thrown: unknown) =>
      tellFailure(thrown, message.kind === 'do' ? message.id : null),
    );
  });
  // The story is over when who tells it is gone.
  process.on('disconnect', () => {
    for (const pid of guarded) killIfThere(pid);
    process.exit(1);
  });
}

async function open(openPart: OpenPart, options: Extract<ToActor, { kind: 'setup' }>['options']) {
  const environment = actorEnvironment.parse(JSON.parse(process.env[ACTOR_VARIABLE] ?? '{}'));
  const { target, prefix, actor } = environment;
  const connections = await RedisConnections.open(
    target,
    `interlock-story-${actor.replaceAll(' ', '-')}`,
  );
  const redis = connections.commands;
  const scripts = new Scripts(redis);
  const log = new StoryLog(redis, scripts, new StoryKeys(prefix), actor);
  const fail = (error: unknown) => tellFailure(error, null);
  return openPart({ ...environment, connections, redis, scripts, log, fail }, options);
}

function tellFailure(thrown: unknown, id: number | null): void {
  const { code, message, remedy } = toInterlockError(thrown);
  tell({ kind: 'failed', id, code, message, ...(remedy === undefined ? {} : { remedy }) });
}

function tell(message: FromActor): void {
  // The callback takes the error of a closed channel: the disconnect event ends us then.
  process.send?.(message, undefined, undefined, () => undefined);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone already.
  }
}
