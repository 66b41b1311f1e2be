import { clock, machineTime } from './time.ts'

interface MomentProps {
  readonly at: number
  readonly now: number
  readonly seconds?: boolean
}

/** A time of day in the person's zone. Both are epoch ms. */
export function Moment({ at, now, seconds = false }: MomentProps) {
  return <time dateTime={machineTime(at)}>{clock(at, now, seconds)}</time>
}
