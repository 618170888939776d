// A program that runs jobs with BullMQ as everybody has it: all settings are its defaults.
// Arguments: socket of the Redis, name of the queue.
import { Worker } from 'bullmq';
import hold from './hold.mjs';

const [, , path, queue] = process.argv;
const worker = new Worker(queue, (job) => hold(job), { connection: { path } });
worker.on('error', () => undefined);
await worker.waitUntilReady();
process.send('ready');
