import type { Inspector, Shown } from '../inspect/inspector.ts'
import type { Pool } from '../pool/pool.ts'
import type { Voice } from './voice.ts'

export interface ShowingParts {
  readonly inspector: Inspector
  readonly pool: Pool
  readonly log: Voice['log']
  /** A toast, unless the person wants none. */
  readonly announce: (message: string) => void
}

/** Shows a pool to the person who asked for it, and says where. */
export interface Showing {
  /** Follows the configuration. Free when nothing changed. */
  follow(isWanted: boolean): void
  /** Of this pool, for good. The host may soon open another one in its place. */
  stop(): void
}

/** The pools of a process share one address: to say it once is enough. */
let told: string | undefined

export function createShowing({ inspector, pool, log, announce }: ShowingParts): Showing {
  let shown: Shown | undefined
  let isOver = false

  /** The address lets whoever knows it look: decision 013 says why it stands in the host's log. */
  function tell(address: string | undefined): void {
    if (address === undefined) return log('warn', 'The live page is off: no port is free.')
    if (address === told) return
    told = address
    log('info', `The live page of the accounts is at ${address}`)
    announce(`The live page of the accounts is at ${address}`)
  }

  return {
    follow(isWanted) {
      if (isOver || isWanted === (shown !== undefined)) return
      void shown?.close()
      shown = isWanted ? inspector.show(pool, log) : undefined
      void shown?.address.then(tell)
    },
    stop() {
      isOver = true
      shown?.leave()
    },
  }
}
