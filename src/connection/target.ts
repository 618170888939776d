/** Which agent a window works with, and how to start it. */
export interface AgentTarget {
  /** The bundled agent. */
  agentFile: string;
  workspace: string;
  stateFolder: string;
  /** The Node to run it with; undefined: the editor's own. */
  nodePath: string | undefined;
  redisUrl: string | undefined;
  idleExitMs: number;
  /** Environment variables of the agent, unless the person's own environment has them. */
  switches: Readonly<Record<string, boolean>>;
  /** This extension's version, for the agent's log. */
  version: string;
}
