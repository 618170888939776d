import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { WebSocketServer } from 'ws';
import { requests } from '../../../agent/protocol/api.ts';
import type { ConnectionRow } from '../../../agent/protocol/model.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { Authority } from '../../harness/certificates.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { makeWorkspace } from '../../harness/workspace.ts';

interface TlsFeed {
  url: string;
  close(): Promise<void>;
}

/** Answers each client with a tick. */
async function startFeed(options: ServerOptions): Promise<TlsFeed> {
  const https: Server = createServer(options);
  const sockets = new WebSocketServer({ server: https });
  sockets.on('connection', (socket) => {
    socket.on('message', () => socket.send(JSON.stringify({ symbol: 'TCS', price: 1 })));
  });
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
  return {
    url: `wss://127.0.0.1:${portOf(https)}/`,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      https.closeAllConnections();
      await new Promise((resolve) => https.close(resolve));
    },
  };
}

describe('a stream over TLS', () => {
  let folder: TemporaryFolder;
  let feeds: Record<'plain' | 'elsewhere' | 'mutual', TlsFeed>;
  let rows: Map<string, ConnectionRow>;

  before(async () => {
    folder = makeTemporaryFolder();
    const authority = new Authority(folder.path);
    const here = authority.sign('here', 'IP:127.0.0.1');
    const elsewhere = authority.sign('elsewhere', 'DNS:feed.example.com');
    const client = authority.sign('client', 'DNS:desk-1');
    const pem = ({ certFile, keyFile }: typeof here) => ({
      ...{ cert: readFileSync(certFile), key: readFileSync(keyFile) },
    });
    const ca = readFileSync(authority.caFile);
    feeds = {
      plain: await startFeed(pem(here)),
      elsewhere: await startFeed(pem(elsewhere)),
      mutual: await startFeed({ ...pem(here), ca, requestCert: true }),
    };
    const known = { caFile: authority.caFile };
    const stream = (url: string, tls?: object) => ({
      ...{ url, symbols: ['TCS'], job: 'store' },
      ...(tls === undefined ? {} : { tls }),
    });
    const workspace = makeWorkspace(
      {
        jobs: { store: { handler: './store.ts' } },
        streams: {
          known: stream(feeds.plain.url, known),
          unknown: stream(feeds.plain.url),
          elsewhere: stream(feeds.elsewhere.url, known),
          invited: stream(feeds.mutual.url, { ...known, ...client }),
          stranger: stream(feeds.mutual.url, known),
        },
      },
      { 'store.ts': 'export default () => undefined;\n' },
    );
    const agent = await AgentProcess.start(workspace);
    try {
      rows = await eventually('every stream to have met its server', async () => {
        const all = await agent.client.request(requests.streams, {});
        const first = all.flatMap(({ name, connections: [row] }) =>
          row === undefined ? [] : [[name, row] as const],
        );
        const met = first.filter(([, row]) => row.state === 'live' || row.errors > 0);
        return met.length === 5 && new Map(met);
      });
    } finally {
      await agent.stop();
      workspace.remove();
    }
  });
  after(async () => {
    await Promise.all(Object.values(feeds).map((feed) => feed.close()));
    folder.remove();
  });

  const troubleOf = (name: string) => rows.get(name)?.trouble ?? '';

  it('is live where it knows the authority of the server', () => {
    assert.equal(rows.get('known')?.state, 'live');
  });

  it('is live where the server wants a certificate of the client', () => {
    assert.equal(rows.get('invited')?.state, 'live');
  });

  it('says what to do where nobody known signed the certificate', () => {
    assert.match(troubleOf('unknown'), /^Nobody known signed .*Set "tls\.caFile" of the stream/);
  });

  it('does not take a certificate that is for another host', () => {
    assert.match(
      troubleOf('elsewhere'),
      /^The certificate of the server is for another host: wss:/,
    );
  });

  it('says what to do where the server wants a certificate', () => {
    assert.match(troubleOf('stranger'), /"tls\.certFile" and "tls\.keyFile"/);
  });
});
