/** Who holds this lease enqueues the slots of all schedules. */
export const SCHEDULER_LOCK = 'scheduler:global_lock';
