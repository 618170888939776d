// What `npm start -- --workspace examples/notifications` runs beside the agent, in this order.
import { API_NAME, API_URL, portOf, SERVICES_NAME, SERVICES_URL } from './server/addresses.mjs';

const companion = (file, facts) => ({
  program: new URL(`server/${file}`, import.meta.url),
  ...facts,
});

export const companions = [
  companion('services.mjs', {
    what: 'outside world of the example',
    name: SERVICES_NAME,
    port: portOf(SERVICES_URL),
    args: ['--traffic'],
  }),
  companion('api.mjs', {
    what: 'endpoint of the example',
    name: API_NAME,
    port: portOf(API_URL),
    args: [],
  }),
];
