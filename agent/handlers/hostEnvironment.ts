const SECRET_NAME = /^INTERLOCK_.*(?:TOKEN|SECRET|PASSWORD)/i;

const INSPECT_OPTION = /^--inspect(?:-|=|$)/;

/**
 * The environment of a handler process: the agent's own, as handlers read their settings from it,
 * without Interlock's secrets and without an inspector that only one process can have.
 */
export function hostEnvironment(agent: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(agent)) {
    if (!SECRET_NAME.test(name)) environment[name] = value;
  }
  const options = environment['NODE_OPTIONS']?.split(/\s+/).filter((o) => !INSPECT_OPTION.test(o));
  if (options !== undefined) environment['NODE_OPTIONS'] = options.join(' ');
  return environment;
}
