import { needsNewLogin } from '../../../machines/facts.ts'
import {
  disableAccount,
  enableAccount,
  moveAccount,
  removeAccount,
  renameAccount,
} from '../../accounts/edit.ts'
import { signInAgain } from './add.ts'
import { enterNewKey } from './add-key.ts'
import { loadRows } from './load-rows.ts'
import type { MenuParts } from './parts.ts'
import { type Look, type Row, rowDetails, rowLines } from './rows.ts'
import { say } from './say.ts'
import { shortened } from './words.ts'
import type { Choice } from './screen.ts'

type Action = 'rename' | 'enable' | 'disable' | 'signIn' | 'move' | 'delete' | 'back'

const BACK = { value: 'back', label: 'Back' } as const

/** The list of accounts, and what can be done with each. True when there is a new account or login. */
export async function manage(parts: MenuParts): Promise<boolean> {
  const { screen } = parts
  let hasNewAccount = false
  let last: string | undefined
  while (!screen.isLeft()) {
    const rows = await loadRows(parts)
    if (rows.length === 0) break
    const lines = rowLines(rows, { ...lookOf(parts), width: screen.choiceWidth() })
    const choices = rows.map(({ id }, index) => ({ value: id, label: lines[index] ?? '' }))
    const id = await screen.choose('Which account?', [...choices, BACK], last)
    const row = rows.find((each) => each.id === id)
    if (row === undefined) break
    last = row.id
    hasNewAccount = (await manageOne(row.id, parts)) || hasNewAccount
  }
  return hasNewAccount
}

async function manageOne(id: string, parts: MenuParts): Promise<boolean> {
  const { screen } = parts
  let hasNewAccount = false
  while (!screen.isLeft()) {
    const rows = await loadRows(parts)
    const row = rows.find((each) => each.id === id)
    if (row === undefined) break
    screen.show(rowDetails(row, rows.length, lookOf(parts)))
    const action = await screen.choose('What is to be done with it?', actionsFor(row, rows.length))
    if (action === undefined || action === 'back') break
    hasNewAccount = (await act(action, row, rows, parts)) || hasNewAccount
  }
  return hasNewAccount
}

/** True when there is a new account or login. */
async function act(
  action: Exclude<Action, 'back'>,
  row: Row,
  rows: readonly Row[],
  parts: MenuParts,
): Promise<boolean> {
  const { store } = parts
  switch (action) {
    case 'rename':
      return rename(row, parts)
    case 'enable':
      return say(await enableAccount(store, row.id), 'is switched on', parts)
    case 'disable':
      return say(await disableAccount(store, row.id), 'is switched off', parts)
    case 'signIn':
      return row.kind === 'apiKey' ? enterNewKey(row.id, parts) : signInAgain(parts, row.label)
    case 'move':
      return move(row, rows, parts)
    case 'delete':
      return remove(row, parts)
  }
}

async function rename(row: Row, parts: MenuParts): Promise<boolean> {
  const { screen, store } = parts
  for (let initial = row.label; ;) {
    const name = await screen.ask({ question: 'The new name', initial })
    if (name === undefined) return false
    const result = await renameAccount(store, row.id, name)
    say(result, 'is its name now', parts)
    if (result.kind !== 'taken' && result.kind !== 'unusable') return false
    initial = name
  }
}

async function move(row: Row, rows: readonly Row[], parts: MenuParts): Promise<boolean> {
  const { screen, store } = parts
  const room = screen.choiceWidth() - '100 (now )'.length
  const choices = rows.map(({ label, place }) => ({
    value: String(place),
    label:
      place === row.place ? `${place} (where it is)` : `${place} (now ${shortened(label, room)})`,
  }))
  const question = 'Which place? Among equals, the first in the order serves first.'
  const place = await screen.choose(question, choices, String(row.place))
  if (place === undefined) return false
  return say(await moveAccount(store, row.id, Number(place)), `is at place ${place}`, parts)
}

async function remove(row: Row, parts: MenuParts): Promise<boolean> {
  const { screen, store } = parts
  const what = row.kind === 'apiKey' ? 'key' : 'login'
  const answer = await screen.choose(
    `Delete ${row.label}? Its ${what} is gone from this machine.`,
    [
      { value: 'keep', label: 'No, keep it' },
      { value: 'delete', label: 'Yes, delete it' },
    ],
  )
  if (answer !== 'delete') return false
  return say(await removeAccount(store, row.id), 'was deleted', parts)
}

/** What repairs it comes first; one Enter too many must not take it away. */
function actionsFor(row: Row, count: number): readonly Choice<Action>[] {
  const isKey = row.kind === 'apiKey'
  const signIn = { value: 'signIn', label: isKey ? 'Enter a new key' : 'Sign in again' } as const
  const enable = { value: 'enable', label: 'Switch on' } as const
  const disable = { value: 'disable', label: 'Switch off' } as const
  const needsLogin = needsNewLogin(row.disabledReason)
  const isOff = row.state === 'disabled' && !needsLogin
  // A refused key can be switched on again, but another one helps.
  const isRepair = needsLogin || (isKey && row.disabledReason === 'auth')
  return [
    ...(isRepair ? [signIn] : []),
    ...(isOff ? [enable] : []),
    { value: 'rename', label: 'Rename' },
    ...(count > 1 ? [{ value: 'move', label: 'Change its place' } as const] : []),
    ...(isRepair ? [] : [signIn]),
    ...(isOff ? [] : [disable]),
    { value: 'delete', label: 'Delete' },
    BACK,
  ]
}

function lookOf({ screen, world }: MenuParts): Look {
  return { paint: screen.paint, width: screen.width(), now: world.now() }
}
