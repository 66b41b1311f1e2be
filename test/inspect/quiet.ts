/** For pool machines that are only looked at: nothing renews, and nobody hears what they say. */
export const QUIET_INPUT = {
  now: () => 0,
  random: () => 0.5,
  policy: () => ({ maxAuthFailures: 3, authBackoffMs: 1_000, strikeBackoffMs: 1_000 }),
  renewal: () => ({ enabled: false, leadMs: 0, intervalMs: 0 }),
}

export const NOBODY_HEARS = {
  viewChanged() {},
  tokenSettled() {},
  renewalsStopped() {},
  accountCrashed() {},
  poolCrashed() {},
}
