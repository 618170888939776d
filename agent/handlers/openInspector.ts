/** What an inspector tells. Frames are messages of the Chrome DevTools Protocol, as text. */
export interface InspectorEvents {
  /** Never within the call that opens it. */
  opened(): void;
  received(frame: string): void;
  failed(why: string): void;
  closed(): void;
}

/** A connection to the inspector of one handler. */
export interface InspectorConnection {
  /** What is sent before it is open is sent then. */
  send(frame: string): void;
  /** The handler goes on by itself: V8 resumes when its last debugger is gone. */
  close(): void;
}

/** The way to the inspector of a handler, whatever that runs in. */
export type OpenInspector = (events: InspectorEvents) => InspectorConnection;
