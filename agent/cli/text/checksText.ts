import type { Check } from '../../doctor/check.ts';
import type { Style } from './style.ts';

export function checksText(checks: Check[], style: Style): string {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap((check) => {
    const [first = '', ...rest] = check.message.split('\n');
    const indent = ' '.repeat('failure'.length + width + 4);
    return [
      `${mark(check, style)}  ${check.name.padEnd(width)}  ${first}`,
      ...rest.map((line) => indent + line),
      ...(check.remedy === null ? [] : [indent + style.quiet(check.remedy)]),
    ];
  });
  const count = (status: Check['status']) =>
    checks.filter((check) => check.status === status).length;
  lines.push('', `${count('ok')} ok, ${count('warning')} warnings, ${count('failure')} failures.`);
  return lines.join('\n');
}

function mark({ status }: Check, style: Style): string {
  const text = status.padEnd('failure'.length);
  if (status === 'ok') return style.good(text);
  return status === 'warning' ? style.warning(text) : style.bad(text);
}
