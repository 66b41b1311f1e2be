import { setTimeout as delay } from 'node:timers/promises'
import { cleanMessage, printable } from '../provider/message.ts'
import type { LogLevel } from '../world.ts'

/** How the plugin speaks: to the host's log, and to the person by toasts. Never to stdout. */
export interface Voice {
  log(level: LogLevel, message: string): void
  /** Shown when the host can show it: a toast during start-up would hang the host for ever. */
  toast(variant: Variant, message: string): void
  /** The host is up: show what was held back. */
  open(): void
}

/** As much of the host's client as is needed to speak. */
interface Client {
  readonly app: {
    log(said: { body: { service: string; level: LogLevel; message: string } }): Promise<unknown>
  }
  readonly tui: {
    showToast(said: {
      body: { title: string; message: string; variant: Variant }
    }): Promise<unknown>
  }
}

type Variant = 'info' | 'warning' | 'error'

/** A line that the host does not take in this time does not hold up the next, ms. */
const LONGEST_LINE_MS = 1_000
/** Somebody who opens OpenCode after a long time should not be greeted by a pile. */
const MOST_HELD_BACK = 3

export function createVoice(client: Client, service: string): Voice {
  const heldBack: (() => void)[] = []
  let isOpen = false
  let last: Promise<unknown> = Promise.resolve()

  return {
    log(level, message) {
      // The host does not print the service: name it in the message.
      const body = { service, level, message: `${service}: ${printable(message)}` }
      // The host writes lines that come together in any order: each waits for the one before.
      last = last
        .then(() =>
          Promise.race([
            client.app.log({ body }),
            delay(LONGEST_LINE_MS, undefined, { ref: false }),
          ]),
        )
        .catch(() => {})
    },
    toast(variant, message) {
      const body = { title: 'Accounts', message: cleanMessage(message), variant }
      const show = () => void client.tui.showToast({ body }).catch(() => {})
      if (isOpen) show()
      else if (heldBack.length < MOST_HELD_BACK) heldBack.push(show)
    },
    open() {
      isOpen = true
      for (const show of heldBack.splice(0)) show()
    },
  }
}
