// The Binance server as a process of its own, so that a test's client does not share its loop.
import { BinanceServer } from './binanceServer.ts';
import { venueCommand, venueRules, type VenueReport } from './venueProtocol.ts';

async function main(rules: string): Promise<void> {
  const server = await BinanceServer.start(venueRules.parse(JSON.parse(rules)));
  const report = (): VenueReport => ({
    port: server.port,
    violations: server.violations,
    connects: server.connects,
    openSockets: server.openSockets,
    subscriptions: server.subscriptions(),
  });
  process.on('message', (message) => {
    const { command } = venueCommand.parse(message);
    if (command === 'drop') server.dropAll();
    process.send?.(report());
  });
  // The test is gone: nobody needs it any more.
  process.on('disconnect', () => process.exit(0));
  process.send?.(report());
}

void main(process.argv[2] ?? '{}');
