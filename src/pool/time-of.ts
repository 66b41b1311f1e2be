/**
 * A time of day as the end of a sentence, in the person's own zone: "in 20 s", "at 14:05", with the
 * day when it is not today. Both are epoch ms.
 */
export function timeOf(at: number, now: number): string {
  const date = new Date(at)
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  if (at - now < 60_000) return `in ${Math.max(1, Math.ceil((at - now) / 1_000))} s`
  if (date.toDateString() === new Date(now).toDateString()) return `at ${time}`
  const day = date.toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })
  return `on ${day} at ${time}`
}
