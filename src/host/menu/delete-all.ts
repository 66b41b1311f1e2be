import { removeAllAccounts } from '../../accounts/edit.ts'
import type { MenuParts } from './parts.ts'
import { counted } from './words.ts'

const WORD = 'delete all'

/** Deletes every account after the person has typed that. */
export async function deleteAll({ pool, screen, store, world }: MenuParts): Promise<void> {
  const count = counted(pool.status().accounts.length, `${pool.provider.name} account`)
  screen.say('warning', `This deletes ${count} from this machine, logins and keys.`)
  const typed = await screen.ask({
    question: `To go on, type: ${WORD}`,
    check: (text) => (text.trim() === WORD ? undefined : `Type "${WORD}", or leave with Esc.`),
  })
  if (typed?.trim() !== WORD) return
  const result = await removeAllAccounts(store)
  if (result.kind === 'failed') return screen.say('bad', result.problem.message)
  await pool.upToDate()
  world.log('info', `All ${pool.provider.name} accounts were deleted (${result.count}).`)
  screen.say('good', `${counted(result.count, 'account')} deleted.`)
}
