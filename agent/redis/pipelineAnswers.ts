import type { ChainableCommander } from 'ioredis';

/**
 * The answers of a pipeline, in order; undefined where Redis answered with an error, such as for a
 * key of another type than ours.
 * @throws what broke the connection: that is no answer
 */
export async function pipelineAnswers(pipeline: ChainableCommander): Promise<unknown[]> {
  const answers = (await pipeline.exec()) ?? [];
  return answers.map(([error, answer]) => {
    if (error === null) return answer;
    if (error.name !== 'ReplyError') throw error;
    return undefined;
  });
}
