import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import {
  venueReport,
  type VenueCommand,
  type VenueReport,
  type VenueRules,
} from './venueProtocol.ts';

const VENUE_MAIN = fileURLToPath(new URL('./venueMain.ts', import.meta.url));

const message = z.tuple([venueReport]).rest(z.unknown());

/** The Binance server in a process of its own. */
export class VenueProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  static async start(rules: VenueRules): Promise<VenueProcess> {
    const child = fork(VENUE_MAIN, [JSON.stringify(rules)], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const died = once(child, 'exit').then(() => Promise.reject(new Error('the venue died')));
    const [{ port }] = message.parse(await Promise.race([once(child, 'message'), died]));
    return new VenueProcess(child, `ws://127.0.0.1:${port}`);
  }

  /** Ends all sockets at once. */
  drop(): Promise<VenueReport> {
    return this.ask('drop');
  }

  report(): Promise<VenueReport> {
    return this.ask('report');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  private async ask(command: VenueCommand['command']): Promise<VenueReport> {
    const answer = once(this.child, 'message');
    this.child.send({ command });
    return message.parse(await answer)[0];
  }
}
