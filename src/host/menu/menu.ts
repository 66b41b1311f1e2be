import { addAccount } from './add.ts'
import { balance } from './balance.ts'
import { checkQuotas } from './quotas.ts'
import { deleteAll } from './delete-all.ts'
import { exportOrImport } from './copies.ts'
import { loadRows } from './load-rows.ts'
import { manage } from './manage.ts'
import type { MenuParts } from './parts.ts'
import type { Choice } from './screen.ts'
import { counted } from './words.ts'

export interface MenuEnd {
  /** Somebody signed in, entered a key or imported accounts: OpenCode has to know of it. */
  readonly hasNewAccount: boolean
}

type Item = 'add' | 'quotas' | 'manage' | 'balance' | 'copies' | 'deleteAll' | 'leave'

/** The menu of one provider's accounts. Ends when the person leaves it. */
export async function openMenu(parts: MenuParts): Promise<MenuEnd> {
  const { pool, screen } = parts
  let hasNewAccount = false
  screen.open(`${pool.provider.name} accounts`)
  try {
    for (let item: Item | undefined; !screen.isLeft();) {
      const rows = await loadRows(parts)
      const offered = itemsFor(rows.length)
      item = await screen.choose(headline(rows.length), offered, item ?? 'add')
      if (item === undefined || item === 'leave') break
      hasNewAccount = (await run(item, parts)) || hasNewAccount
    }
  } finally {
    screen.close('Done.')
  }
  return { hasNewAccount }
}

/** True when there is a new account or login. */
async function run(item: Exclude<Item, 'leave'>, parts: MenuParts): Promise<boolean> {
  switch (item) {
    case 'add':
      return addAccount(parts)
    case 'quotas':
      return no(checkQuotas(parts))
    case 'manage':
      return manage(parts)
    case 'balance':
      return no(balance(parts))
    case 'copies':
      return exportOrImport(parts)
    case 'deleteAll':
      return no(deleteAll(parts))
  }
}

async function no(done: Promise<void>): Promise<false> {
  await done
  return false
}

function headline(count: number): string {
  return count === 0 ? 'There is no account yet.' : `${counted(count, 'account')}. What next?`
}

/** What makes no sense without an account is not offered. */
function itemsFor(count: number): readonly Choice<Item>[] {
  const add = { value: 'add', label: 'Add account', hint: 'sign in, or enter a key' } as const
  const leave = { value: 'leave', label: 'Leave' } as const
  const copies = { value: 'copies', label: 'Export or import', hint: 'encrypted' } as const
  const settings = {
    value: 'balance',
    label: 'Load balancing',
    hint: 'who serves next',
  } as const
  if (count === 0) return [add, settings, copies, leave]
  return [
    add,
    { value: 'quotas', label: 'Check quotas', hint: 'asks the provider' },
    { value: 'manage', label: 'Manage accounts', hint: 'rename, order, delete' },
    settings,
    copies,
    { value: 'deleteAll', label: 'Delete all accounts' },
    leave,
  ]
}
