import { writeFileSync } from 'node:fs';

/** Writes down when the first run began. */
export default async function stamp() {
  const startedAtMs = Date.now();
  try {
    writeFileSync(process.env.FIRST_RUN_FILE, String(startedAtMs), { flag: 'wx' });
  } catch {
    // A run before this one was the first.
  }
}
