/** Ends a turn and lets the next one begin. Safe to call twice. */
export type EndTurn = () => void

const queues = new Map<string, Promise<void>>()

/**
 * One at a time per key, in order of arrival, within this process. `gaveUp` settles when the
 * caller no longer wants its turn: undefined then, and those behind it go on.
 */
export async function takeTurn(key: string, gaveUp: Promise<void>): Promise<EndTurn | undefined> {
  const before = queues.get(key) ?? Promise.resolve()
  const turn = openTurn()
  const queue = turnAfter(before, turn.ended)
  queues.set(key, queue)
  void forget(key, queue)
  const mine = await Promise.race([before.then(() => true), gaveUp.then(() => false)])
  if (mine) return turn.end
  turn.end()
  return undefined
}

function openTurn(): { readonly end: EndTurn; readonly ended: Promise<void> } {
  const turn: { end?: EndTurn } = {}
  const ended = new Promise<void>((resolve) => {
    turn.end = resolve
  })
  return { end: () => turn.end?.(), ended }
}

async function turnAfter(before: Promise<void>, ended: Promise<void>): Promise<void> {
  await before
  await ended
}

async function forget(key: string, queue: Promise<void>): Promise<void> {
  await queue
  if (queues.get(key) === queue) queues.delete(key)
}
