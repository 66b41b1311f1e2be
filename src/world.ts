export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Everything the pool needs from outside. Only the composition root touches globals. */
export interface World {
  /** Sends one request. */
  fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Wall clock, epoch ms. */
  now: () => number
  /** Monotonic clock, ms. */
  monotonic: () => number
  /** In [0, 1). */
  random: () => number
  /** Calls `fire` once after `ms`, without keeping the process alive. Returns the way to stop it. */
  arm: (fire: () => void, ms: number) => () => void
  /**
   * Resolves after `ms`; rejects with the signal's reason, unchanged, when it aborts. Keeps the
   * process alive: somebody waits for the answer.
   */
  delay: (ms: number, signal?: AbortSignal) => Promise<void>
  /** One line for the host's log. Never receives a secret. */
  log: (level: LogLevel, message: string) => void
}

/** The real world; `log` is the host's affair. */
export function realWorld(log: World['log']): World {
  return {
    // Looked up at each call: the host, or a proxy plugin, may replace it after we were loaded.
    fetch: (url, init) => globalThis.fetch(url, init),
    now: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    arm: armTimer,
    delay,
    log(level, message) {
      try {
        log(level, message)
      } catch {
        // Whoever writes the log must not end a request.
      }
    },
  }
}

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    function abort() {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}

function armTimer(fire: () => void, ms: number): () => void {
  const timer = setTimeout(fire, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
