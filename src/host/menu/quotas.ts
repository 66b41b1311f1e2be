import { withUsage } from '../../pool/cached-usage.ts'
import { type UsageAnswer, askUsage } from '../../provider/ask-usage.ts'
import type { Credential } from '../../provider/provider.ts'
import { quotaLines } from './bars.ts'
import { loadRows } from './load-rows.ts'
import type { MenuParts } from './menu.ts'
import { type Row, isLoginNeeded } from './rows.ts'
import { counted } from './words.ts'

type Read = Extract<UsageAnswer, { kind: 'read' }>

/** By account id. `problems`: why nothing new is known, as the end of a sentence. */
interface Quotas {
  readonly read: ReadonlyMap<string, Read>
  readonly problems: ReadonlyMap<string, string>
}

const LONGEST_ANSWER_MS = 10_000
/** What was read so short a time ago need not be excused. */
const FRESH_MS = 60_000

/** Asks the provider how much of each account is used, and shows it. */
export async function checkQuotas(parts: MenuParts): Promise<void> {
  const { screen, world } = parts
  const rows = await loadRows(parts)
  const what = `Asking how much of ${counted(rows.length, 'account')} is used`
  const quotas = await screen.wait(
    what,
    (signal) => readAll(rows, parts, signal),
    ({ problems }) => `${rows.length - problems.size} of ${rows.length} known`,
  )
  if (quotas === undefined) return
  const look = { paint: screen.paint, width: screen.width(), now: world.now() }
  for (const row of await loadRows(parts)) {
    screen.show(quotaLines(row, quotas.problems.get(row.id), look))
  }
}

/** All at the same time: each is asked with its own token. */
async function readAll(
  rows: readonly Row[],
  parts: MenuParts,
  signal: AbortSignal,
): Promise<Quotas> {
  const read = new Map<string, Read>()
  const problems = new Map<string, string>()
  await Promise.all(
    rows.map(async (row) => {
      const answer = await readOne(row, parts, signal)
      const isFresh = parts.world.now() - row.usageReadAt < FRESH_MS
      if (typeof answer !== 'string') read.set(row.id, answer)
      else if (!isFresh) problems.set(row.id, answer)
    }),
  )
  if (!signal.aborted) await keep(read, parts)
  return { read, problems }
}

async function readOne(
  { id, kind, disabledReason, why }: Row,
  parts: MenuParts,
  signal: AbortSignal,
): Promise<Read | string> {
  if (isLoginNeeded(disabledReason)) return why
  if (kind === 'apiKey') return 'an API key has no such windows'
  const { credentials } = parts.pool
  const first = await credentials.current(id, signal)
  if (first === undefined) return 'its token could not be renewed'
  const answer = await ask(first, parts, signal)
  if (answer.kind === 'read') return answer
  if (answer.detail !== 'HTTP 401') return inWords(answer.detail)
  // Refused before its time: another program may have renewed it meanwhile.
  const newer = await credentials.after(first.version, id, signal)
  if (newer === undefined) return 'its token is refused'
  const second = await ask(newer, parts, signal)
  return second.kind === 'read' ? second : inWords(second.detail)
}

/** The endpoint refuses whoever asks every minute. */
function inWords(detail: string): string {
  return detail === 'HTTP 429' ? 'it was asked too often just now' : detail
}

async function ask(
  credential: Credential,
  { pool, world }: MenuParts,
  signal: AbortSignal,
): Promise<UsageAnswer> {
  const late = new AbortController()
  const disarm = world.arm(() => late.abort(new Error('it takes long')), LONGEST_ANSWER_MS)
  try {
    return await askUsage({
      provider: pool.provider,
      credential,
      endpoints: pool.endpoints(),
      fetch: world.fetch,
      now: world.now,
      signal: AbortSignal.any([signal, late.signal]),
    })
  } finally {
    disarm()
  }
}

/** For the bars, and in the file for every other process. */
async function keep(read: ReadonlyMap<string, Read>, { pool, store }: MenuParts): Promise<void> {
  for (const [id, { report }] of read) pool.observe(id, report.usage)
  if (read.size === 0) return
  const written = await store.update((document) => ({
    ...document,
    accounts: document.accounts.map((account) => {
      const answer = read.get(account.uuid)
      if (answer === undefined) return account
      const { report, receivedAt } = answer
      const known = { usage: report.usage, usageAt: receivedAt }
      const planTier = report.plan ?? account.planTier
      return { ...withUsage(account, known, receivedAt), planTier }
    }),
  }))
  if (written.ok) await pool.upToDate()
}
