import type { AgeThresholds } from '../protocol/model.ts';
import type { Config } from './schema.ts';

/** `LOCK_TIMEOUT_MS` is the age at which a held lock is an emergency, not the age at which it is stolen. */
export function ageThresholdsOf(config: Config): AgeThresholds {
  const { alerts, locks } = config;
  return {
    jobWarnMs: alerts.jobWarnAfter,
    jobCriticalMs: alerts.jobCriticalAfter,
    jobEmergencyMs: alerts.jobEmergencyAfter,
    lockWarnMs: locks.warnAfter,
    lockEmergencyMs: Math.min(locks.emergencyAfter, locks.maxAge),
  };
}
