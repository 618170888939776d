// What a handler is called with. In a project of your own, copy these two types.
export type { HandlerContext, HandlerJob } from '../../../agent/handlers/handlerContext.ts';
