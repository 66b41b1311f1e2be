import { quotaLines } from './bars.ts'
import { loadRows } from './load-rows.ts'
import type { MenuParts } from './parts.ts'
import type { Row } from './rows.ts'
import { counted } from './words.ts'

/** By account id: why nothing new is known, as the end of a sentence. */
type Problems = ReadonlyMap<string, string>

/** What was read so short a time ago need not be excused. */
const FRESH_MS = 60_000

/** Asks the provider how much of each account is used, and shows it. */
export async function checkQuotas(parts: MenuParts): Promise<void> {
  const { screen, world } = parts
  // A key has no windows to ask about.
  const asked = (await loadRows(parts)).filter(({ kind }) => kind !== 'apiKey')
  const problems = asked.length === 0 ? NONE : await askAll(asked, parts)
  if (problems === undefined) return
  const look = { paint: screen.paint, width: screen.width(), now: world.now() }
  for (const row of await loadRows(parts)) {
    screen.show(quotaLines(row, problems.get(row.id), look))
  }
}

const NONE: Problems = new Map()

function askAll(rows: readonly Row[], parts: MenuParts): Promise<Problems | undefined> {
  return parts.screen.wait(
    `Asking how much of ${counted(rows.length, 'account')} is used`,
    (signal) => readAll(rows, parts, signal),
    ({ size }) => `${rows.length - size} of ${rows.length} known`,
  )
}

/** All at the same time: each is asked with its own token. */
async function readAll(
  rows: readonly Row[],
  { pool, world }: MenuParts,
  signal: AbortSignal,
): Promise<Problems> {
  const problems = new Map<string, string>()
  await Promise.all(
    rows.map(async ({ id, usageReadAt }) => {
      const outcome = await pool.readUsage(id, signal)
      const isFresh = world.now() - usageReadAt < FRESH_MS
      if (outcome.kind === 'unread' && !isFresh) problems.set(id, outcome.why)
    }),
  )
  signal.throwIfAborted()
  return problems
}
