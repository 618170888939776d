import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { InterlockError, messageOf } from '../common/errors.ts';

const file = z.string().min(1);

/** Files that a TLS connection needs, as PEM. */
export const tlsFiles = z.strictObject({
  caFile: file.optional().meta({
    description: 'Certificate of the authority that signed the one of the server, as PEM.',
  }),
  certFile: file.optional().meta({ description: 'Certificate of this client, as PEM.' }),
  keyFile: file.optional().meta({ description: 'Key of that certificate, as PEM.' }),
});

export type TlsFiles = z.infer<typeof tlsFiles>;

export const TLS_FILE_SETTINGS = ['caFile', 'certFile', 'keyFile'] as const;

/** Whether a certificate has its key, and the other way round: a refinement of a schema. */
export function isPair({ certFile, keyFile }: TlsFiles): boolean {
  return (certFile === undefined) === (keyFile === undefined);
}

export const PAIR_EXPECTED = 'expected "certFile" and "keyFile" together';

/** What `node:tls` takes. */
export interface TlsCredentials {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/**
 * Reads them anew: certificates are renewed while an agent runs.
 * @param at the setting that they stand in, such as `redis.tls`
 * @param folder where relative paths start
 * @throws InterlockError `bad_config` when one can not be read
 */
export function readTlsFiles(at: string, folder: string, files: TlsFiles): TlsCredentials {
  const { caFile, certFile, keyFile } = files;
  const read = (name: string, of: string) => readPem(`${at}.${name}`, path.resolve(folder, of));
  return {
    ...(caFile === undefined ? {} : { ca: read('caFile', caFile) }),
    ...(certFile === undefined ? {} : { cert: read('certFile', certFile) }),
    ...(keyFile === undefined ? {} : { key: read('keyFile', keyFile) }),
  };
}

function readPem(setting: string, of: string): Buffer {
  try {
    return readFileSync(of);
  } catch (error) {
    throw new InterlockError({
      code: 'bad_config',
      message: `${setting} can not be read: ${messageOf(error)}.`,
      remedy: 'Correct the path, or make the file readable for this user.',
    });
  }
}
