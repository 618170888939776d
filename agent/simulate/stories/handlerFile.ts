import * as path from 'node:path';

/** The handler of protected stories, beside this program in dist. */
export function handlerFile(): string {
  return path.join(__dirname, 'storyHandler.js');
}
