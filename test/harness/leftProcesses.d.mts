/** See leftProcesses.mjs. */
export function leftProcesses(
  runFolder: string,
  deadlineMs: number,
): Promise<{ pid: number; command: string }[]>;
