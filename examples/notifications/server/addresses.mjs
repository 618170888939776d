// Where the two servers of this example listen. Always on this machine only.

const { NOTIFICATIONS_SERVICES_URL, NOTIFICATIONS_API_URL } = process.env;

/** What stands for the outside world: chain, push service, mailboxes, recordings. */
export const SERVICES_URL = NOTIFICATIONS_SERVICES_URL ?? 'http://127.0.0.1:9020';

/** The endpoint of this application: it takes requests and enqueues jobs. */
export const API_URL = NOTIFICATIONS_API_URL ?? 'http://127.0.0.1:9021';

/** What their /health says: another program may be on the port. */
export const SERVICES_NAME = 'interlock-example-services';
export const API_NAME = 'interlock-example-api';

/**
 * @param {string} url
 * @returns {number} its port
 */
export const portOf = (url) => Number(new URL(url).port);
