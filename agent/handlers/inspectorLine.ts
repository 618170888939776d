/** What Node tells of its inspector, its address among it: nothing for a log. */
const INSPECTOR_LINE =
  /^(Debugger listening on |Debugger attached|Debugger ending on |For help, see: https:\/\/nodejs\.org\/|Waiting for the debugger to disconnect)/;

export function isInspectorLine(line: string): boolean {
  return INSPECTOR_LINE.test(line);
}
