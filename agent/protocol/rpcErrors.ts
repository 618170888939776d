import { ResponseError } from 'vscode-jsonrpc/node';
import * as z from 'zod';
import { ERROR_CODES, InterlockError, toInterlockError, type ErrorCode } from '../common/errors.ts';

/** JSON-RPC's own numbers where one fits, else one application number; `data.code` tells more. */
const RPC_INVALID_PARAMS = -32602;
const RPC_APPLICATION = -32000;

const errorData = z.object({
  code: z.enum(ERROR_CODES),
  remedy: z.string().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});

type ErrorData = z.infer<typeof errorData>;

function rpcNumber(code: ErrorCode): number {
  return code === 'bad_params' ? RPC_INVALID_PARAMS : RPC_APPLICATION;
}

/** For the wire: message, code, remedy and details; never a stack. */
export function toResponseError(thrown: unknown): ResponseError<ErrorData> {
  const error = toInterlockError(thrown);
  const data: ErrorData = { code: error.code, details: error.details };
  if (error.remedy !== undefined) data.remedy = error.remedy;
  return new ResponseError(rpcNumber(error.code), error.message, data);
}

/** From the wire: an InterlockError again, whatever the peer sent. */
export function fromResponseError(thrown: unknown): InterlockError {
  if (!(thrown instanceof ResponseError)) return toInterlockError(thrown);
  const data = errorData.safeParse(thrown.data);
  if (!data.success) {
    return new InterlockError({ code: 'internal', message: thrown.message, cause: thrown });
  }
  return new InterlockError({
    code: data.data.code,
    message: thrown.message,
    ...(data.data.remedy === undefined ? {} : { remedy: data.data.remedy }),
    ...(data.data.details === undefined ? {} : { details: data.data.details }),
  });
}
