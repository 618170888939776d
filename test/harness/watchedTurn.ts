import type { VenuePlace } from '../../agent/streams/connection/venueShare.ts';

/** A turn at a venue that is asked for, and what has come of it until now. */
export interface WatchedTurn {
  place: VenuePlace | null;
  failed: boolean;
}

export function watchTurn(turn: Promise<VenuePlace>): WatchedTurn {
  const watched: WatchedTurn = { place: null, failed: false };
  turn.then(
    (place) => (watched.place = place),
    () => (watched.failed = true),
  );
  return watched;
}

/** Not remembered by the compiler as what it was before. */
export function placeOf(watched: WatchedTurn): VenuePlace | null {
  return watched.place;
}
