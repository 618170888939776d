import { appendFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { instant } from './asOf.ts';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inNotifications } from './notificationsDatabase.ts';
import { rejected } from './rejected.ts';
import { fetchFrom, postTo } from './services.ts';

const FOLDER = fileURLToPath(new URL('../data/recordings/', import.meta.url));

const payload = z.object({
  /** Names a file as well. */
  recordingId: z.string().regex(/^[\w-]{1,64}$/, 'expected letters, digits, "-" and "_"'),
  sessionId: z.string().min(1),
  recordedAt: instant,
});

const about = z.object({ parts: z.number().int().positive() });
const part = z.object({ audio: z.string() });
const transcription = z.object({ text: z.string() });

/** Fetching is most of the work. */
const FETCH_SHARE = 80;

/** Fetches the recording of a call into a file, has it transcribed, and keeps both. */
export default async function recordingJob(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { recordingId, sessionId, recordedAt } = parsed.data;
  if (await isKept(recordingId)) return { status: 'already_processed', recordingId };

  const file = `${recordingId}.audio`;
  // A run that lost its lease may still write: the fencing token keeps their files apart.
  const unfinished = path.join(FOLDER, `${file}.${context.fence}.part`);
  mkdirSync(FOLDER, { recursive: true });
  try {
    rmSync(unfinished, { force: true });
    await fetchParts(recordingId, unfinished, context);
    renameSync(unfinished, path.join(FOLDER, file));
  } finally {
    rmSync(unfinished, { force: true });
  }
  const wish = { key: `transcription/${recordingId}`, body: { recordingId } };
  const { text } = await postTo('/transcriptions', wish, transcription, context);
  await context.progress(100);
  await inNotifications((database) =>
    database.run(
      `INSERT OR IGNORE INTO recordings (id, session, file, transcript, recorded_at)
       VALUES (?, ?, ?, ?, ?)`,
      [recordingId, sessionId, file, text, recordedAt],
    ),
  );
  return { status: 'transcribed', recordingId, characters: text.length };
}

function isKept(recordingId: string): Promise<boolean> {
  return inNotifications(
    (database) => database.get('SELECT 1 FROM recordings WHERE id = ?', recordingId) !== null,
  );
}

async function fetchParts(recordingId: string, file: string, context: HandlerContext) {
  const { parts } = await fetchFrom(`/recordings/${recordingId}`, about, context);
  for (let number = 1; number <= parts; number += 1) {
    const url = `/recordings/${recordingId}/parts/${number}`;
    const { audio } = await fetchFrom(url, part, context);
    appendFileSync(file, Buffer.from(audio, 'base64'));
    await context.progress(Math.round((FETCH_SHARE * number) / parts));
  }
}
