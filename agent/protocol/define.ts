import type * as z from 'zod';

/** A request: both sides parse what comes in with these schemas. */
export interface RequestDefinition<
  P extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly method: string;
  readonly params: P;
  readonly result: R;
}

/** A message without an answer. */
export interface NotificationDefinition<P extends z.ZodType = z.ZodType> {
  readonly method: string;
  readonly params: P;
}

export function define<P extends z.ZodType, R extends z.ZodType>(
  method: string,
  params: P,
  result: R,
): RequestDefinition<P, R> {
  return { method, params, result };
}

export function defineNotification<P extends z.ZodType>(
  method: string,
  params: P,
): NotificationDefinition<P> {
  return { method, params };
}

export type ParamsOf<D extends { params: z.ZodType }> = z.infer<D['params']>;
export type ResultOf<D extends RequestDefinition> = z.infer<D['result']>;

/** One handler for each request of an API: a missing one does not compile. */
export type RequestHandlers<Api extends Record<string, RequestDefinition>, Context> = {
  readonly [K in keyof Api]: (
    params: ParamsOf<Api[K]>,
    context: Context,
  ) => Promise<ResultOf<Api[K]>>;
};
