/** What "Create Config" writes: one job, one schedule, and nothing to explain that the editor does not. */
export const STARTER_HANDLER_PATH = 'jobs/hello.ts';

export const STARTER_CONFIG = `{
  // Jobs by name. A handler is a TypeScript or JavaScript file with a default export.
  "jobs": {
    "hello": {
      "handler": "./jobs/hello.ts",
      // One key, one run: while a job of this name is queued or running, another is refused.
      "unique": { "by": ["name"] },
      "retry": { "max": 3, "intervals": ["1s", "5s", "30s"] }
    }
  },
  "schedules": {
    "hello-every-minute": { "job": "hello", "every": "1m", "data": { "name": "world" } }
  }
}
`;

export const STARTER_HANDLER = `interface Job {
  data: { name?: string };
}

interface Context {
  log(line: string): void;
  progress(value: number): void;
  signal: AbortSignal;
}

/** Edit this file while the agent runs: the next run uses the change. */
export default async function hello(job: Job, ctx: Context) {
  const name = job.data.name ?? 'nobody';
  ctx.log(\`Hello, \${name}\`);
  for (let step = 1; step <= 5 && !ctx.signal.aborted; step++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    ctx.progress(step * 20);
  }
  return { greeted: name };
}
`;
