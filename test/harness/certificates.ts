import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';

/** Files of one signed certificate. */
export interface Certificate {
  certFile: string;
  keyFile: string;
}

/** An authority of a test's own, made by openssl. */
export class Authority {
  readonly caFile: string;
  private readonly keyFile: string;

  /** @throws Error when there is no openssl: TLS can not be tested without it */
  constructor(private readonly folder: string) {
    this.caFile = path.join(folder, 'ca.pem');
    this.keyFile = path.join(folder, 'ca.key');
    openssl('req', '-x509', ...NEW_KEY, this.keyFile, '-out', this.caFile, ...subject('test-ca'));
  }

  /** @param names what its `subjectAltName` says, such as `DNS:redis.test` */
  sign(name: string, names: string): Certificate {
    const of = (ending: string) => path.join(this.folder, `${name}.${ending}`);
    const [certFile, keyFile, request, extensions] = [of('pem'), of('key'), of('csr'), of('ext')];
    openssl('req', ...NEW_KEY, keyFile, '-out', request, ...subject(name));
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    openssl(
      ...['x509', '-req', '-in', request, '-CA', this.caFile, '-CAkey', this.keyFile],
      ...['-CAcreateserial', '-days', '2', '-extfile', extensions, '-out', certFile],
    );
    return { certFile, keyFile };
  }
}

const NEW_KEY = [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'],
];

function subject(name: string): string[] {
  return ['-subj', `/CN=${name}`, ...(name === 'test-ca' ? ['-days', '2'] : [])];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
