// The program that runs handlers, in a process of its own or in a thread of the agent.
import { isMainThread } from 'node:worker_threads';
import { runInProcess } from './hostProcess.ts';
import { readHostArguments } from './hostProtocol.ts';
import { runInThread } from './hostThread.ts';

const setup = readHostArguments(process.argv.slice(2));

// The build puts this program, the hooks, the watchdog and amaro into one folder.
if (isMainThread) runInProcess(setup, __dirname);
else runInThread(setup, __dirname);
