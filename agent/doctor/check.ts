/** One finding of the doctor: how it is, and what to do. */
export interface Check {
  name: string;
  status: 'ok' | 'warning' | 'failure';
  message: string;
  remedy: string | null;
}

export const ok = (name: string, message: string): Check => ({
  ...{ name, message },
  status: 'ok',
  remedy: null,
});
export const warning = (name: string, message: string, remedy: string | null): Check => ({
  ...{ name, message, remedy },
  status: 'warning',
});
export const failure = (name: string, message: string, remedy: string | null): Check => ({
  ...{ name, message, remedy },
  status: 'failure',
});
