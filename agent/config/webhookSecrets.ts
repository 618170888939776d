import type { ConfigProblem } from './configProblem.ts';
import type { WebhookConfig } from './schema.ts';

/** `${env:NAME}` in the URL or a header of the webhook. */
const VARIABLE = /\$\{env:([^}]*)\}/g;

const PATH = 'alerts.webhook';

/**
 * Puts variables of the environment into the webhook, so that no secret has to stand in a file. They
 * may stand anywhere: nothing of its URL but scheme and host is ever shown.
 */
export function withWebhookSecrets(
  webhook: WebhookConfig,
  env: NodeJS.ProcessEnv,
): { webhook: WebhookConfig; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const read = (path: string, text: string, encode: (value: string) => string): string =>
    text.replace(VARIABLE, (all, name: string) => {
      const value = env[name] ?? '';
      if (value !== '') return encode(value);
      const expected = `the environment variable ${name}, which is not set`;
      problems.push({ path, value: text, expected });
      return all;
    });
  const isOneVariable = /^\$\{env:[^}]*\}$/.test(webhook.url);
  const url = read(`${PATH}.url`, webhook.url, isOneVariable ? String : encodeURIComponent);
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(webhook.headers)) {
    headers[name] = read(`${PATH}.headers.${name}`, text, (value) => value.trim());
  }
  if (problems.length === 0 && !(/^https?:\/\//.test(url) && URL.canParse(url))) {
    // The value itself is a secret.
    const expected = 'a URL that begins with http:// or https:// in that variable';
    problems.push({ path: `${PATH}.url`, value: webhook.url, expected });
  }
  return { webhook: { ...webhook, url, headers }, problems };
}
