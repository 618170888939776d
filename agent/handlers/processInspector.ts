import { WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { InspectorConnection, InspectorEvents } from './openInspector.ts';
import { closeSoon, frameOf, MAX_FRAME_BYTES } from './socketFrames.ts';

/** @param url of the inspector of a process; it never leaves the agent */
export function openProcessInspector(
  url: string,
  clock: Clock,
  events: InspectorEvents,
): InspectorConnection {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES });
  const early: string[] = [];
  socket.on('open', () => {
    for (const frame of early.splice(0)) socket.send(frame);
    events.opened();
  });
  socket.on('message', (data) => events.received(frameOf(data)));
  socket.on('error', (error) => events.failed(messageOf(error)));
  socket.on('close', () => events.closed());
  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.CONNECTING) early.push(frame);
      else if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: () => closeSoon(socket, clock),
  };
}
