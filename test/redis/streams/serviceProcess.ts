// Runs a stream service until it is killed: `serviceProcess.ts <redis url> <prefix> <streams as JSON>`.
import { openService } from './openService.ts';

const [url = '', prefix = '', streams = '{}'] = process.argv.slice(2);
void openService({ url, prefix }, JSON.parse(streams), 'other-process');
