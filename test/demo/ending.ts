import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ending {
  /** From now on the first signal only asks for the end, and the next one ends the demo at once. */
  askFirst(): AbortSignal
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Ctrl-C comes twice under `npm run`: from the terminal, and handed on by whoever started us. */
const SAME_KEY_MS = 500

/**
 * Whenever the demo ends, and however, nothing of it stays. Everything that it writes is in one
 * folder; the OpenCode that it started is ended before, by whoever started it.
 */
export function leaveNoTrace(): Ending {
  const folder = mkdtempSync(join(tmpdir(), 'rota-demo-'))
  process.env['TMPDIR'] = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const asked = new AbortController()
  let mayAsk = false
  let askedAt = 0
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (!mayAsk) process.exit(128 + constants.signals[signal])
      if (!asked.signal.aborted) askedAt = performance.now()
      else if (performance.now() - askedAt > SAME_KEY_MS) {
        process.exit(128 + constants.signals[signal])
      }
      asked.abort()
    })
  }
  return {
    askFirst() {
      mayAsk = true
      return asked.signal
    },
  }
}
