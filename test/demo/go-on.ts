import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { LIMITED_UNTIL } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { heading } from './timeline.ts'

const PAUSE_MS = 4_000
/** Whoever is limited is soon back, so that there is always something to see. */
const LIMITED_MS = 45_000
const LIMITED_EVERY = 4

/** Goes on asking both providers, and limits an account now and then, until `ending`. */
export async function goOn(
  fakes: readonly Fake[],
  ask: (fake: Fake, prompt: string) => Promise<unknown>,
  ending: AbortSignal,
): Promise<void> {
  const isEnding = once(ending, 'abort')
  heading('The page stays open: requests go on, until Ctrl-C')
  for (let round = 1; !ending.aborted; round++) {
    for (const fake of fakes) {
      if (ending.aborted) return
      if (round % LIMITED_EVERY === 0) limitTheLast(fake)
      const asked = ask(fake, `Question ${round}.`)
      // Nobody waits for an answer any more who has pressed Ctrl-C.
      await Promise.race([asked, isEnding])
      if (ending.aborted) return void asked.catch(() => {})
      await delay(PAUSE_MS, undefined, { signal: ending }).catch(() => {})
    }
  }
}

function limitTheLast(fake: Fake): void {
  const served = fake.modelRequests().findLast(({ status }) => status === 200)?.account
  if (served === undefined) return
  fake.account(served).behave(LIMITED_UNTIL(Date.now() + LIMITED_MS))
}
