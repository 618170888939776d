// Runs a stream service until it is killed: `serviceProcess.ts <redis url> <streams as JSON>`.
import { openService } from './openService.ts';

const [url = '', streams = '{}'] = process.argv.slice(2);
void openService(url, JSON.parse(streams), 'other-process');
