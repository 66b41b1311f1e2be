import type { MenuParts } from './parts.ts'
import type { Row } from './rows.ts'

/** The accounts as they are now, in the order of the file. */
export async function loadRows({
  pool,
  store,
  screen,
}: Pick<MenuParts, 'pool' | 'store' | 'screen'>): Promise<readonly Row[]> {
  await pool.upToDate()
  const { accounts, problem } = pool.status()
  if (problem !== '') screen.say('bad', problem)
  const read = await store.read()
  const stored = read.ok ? read.document.accounts : []
  const states = new Map(accounts.map((account) => [account.id, account]))
  return stored.flatMap(({ uuid, lastUsed }, index) => {
    const state = states.get(uuid)
    if (state === undefined) return []
    const used = Math.max(lastUsed, state.lastUsedAt)
    return [{ ...state, place: index + 1, lastUsed: used }]
  })
}
