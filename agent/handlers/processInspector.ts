import { WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { InspectorConnection, InspectorEvents } from './openInspector.ts';
import { closeSoon, frameOf, MAX_FRAME_BYTES } from './socketFrames.ts';

/** @param url of the inspector of a process, when it waits for a debugger; it never leaves the agent */
export function openProcessInspector(
  url: Promise<string>,
  clock: Clock,
  events: InspectorEvents,
): InspectorConnection {
  const early: string[] = [];
  let socket: WebSocket | undefined;
  let isClosed = false;
  void url.then((known) => {
    if (isClosed) return;
    socket = connect(known, early, events);
  });
  return {
    send: (frame) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(frame);
      else if (socket === undefined || socket.readyState === WebSocket.CONNECTING)
        early.push(frame);
    },
    close: () => {
      isClosed = true;
      if (socket === undefined) events.closed();
      else closeSoon(socket, clock);
    },
  };
}

function connect(url: string, early: string[], events: InspectorEvents): WebSocket {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES });
  socket.on('open', () => {
    for (const frame of early.splice(0)) socket.send(frame);
    events.opened();
  });
  socket.on('message', (data) => events.received(frameOf(data)));
  socket.on('error', (error) => events.failed(messageOf(error)));
  socket.on('close', () => events.closed());
  return socket;
}
