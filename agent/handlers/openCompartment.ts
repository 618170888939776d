import type { Clock } from '../common/clock.ts';
import type { Logger } from '../logging.ts';
import type { Compartment, CompartmentEvents, CompartmentKind, HostSetup } from './compartment.ts';
import { ProcessCompartment } from './processCompartment.ts';
import { ThreadCompartment } from './threadCompartment.ts';

/** Starts what a host runs in. What can not be started ends soon, and says why. */
export function openCompartment(
  kind: CompartmentKind,
  setup: HostSetup,
  events: CompartmentEvents,
  logger: Logger,
  clock: Clock,
): Compartment {
  const Kind = kind === 'process' ? ProcessCompartment : ThreadCompartment;
  return new Kind(setup, events, logger, clock);
}
