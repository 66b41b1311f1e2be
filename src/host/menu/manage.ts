import {
  type EditResult,
  disableAccount,
  enableAccount,
  moveAccount,
  removeAccount,
  renameAccount,
} from '../../accounts/edit.ts'
import { addAccount } from './add.ts'
import { loadRows } from './load-rows.ts'
import type { MenuParts } from './menu.ts'
import { type Look, type Row, isLoginNeeded, rowDetails, rowLine } from './rows.ts'
import type { Choice } from './screen.ts'

type Action = 'rename' | 'enable' | 'disable' | 'signIn' | 'move' | 'delete' | 'back'

const BACK = { value: 'back', label: 'Back' } as const

/** The list of accounts, and what can be done with each. True when there is a new login. */
export async function manage(parts: MenuParts): Promise<boolean> {
  const { screen } = parts
  let hasNewLogin = false
  let last: string | undefined
  while (!screen.isLeft()) {
    const rows = await loadRows(parts)
    if (rows.length === 0) break
    const look = lookOf(parts)
    const choices = rows.map((row) => ({ value: row.id, label: rowLine(row, look) }))
    const id = await screen.choose('Which account?', [...choices, BACK], last)
    const row = rows.find((each) => each.id === id)
    if (row === undefined) break
    last = row.id
    hasNewLogin = (await manageOne(row.id, parts)) || hasNewLogin
  }
  return hasNewLogin
}

async function manageOne(id: string, parts: MenuParts): Promise<boolean> {
  const { screen } = parts
  let hasNewLogin = false
  while (!screen.isLeft()) {
    const rows = await loadRows(parts)
    const row = rows.find((each) => each.id === id)
    if (row === undefined) break
    screen.show(rowDetails(row, rows.length, lookOf(parts)))
    const action = await screen.choose('What is to be done with it?', actionsFor(row, rows.length))
    if (action === undefined || action === 'back') break
    hasNewLogin = (await act(action, row, rows, parts)) || hasNewLogin
  }
  return hasNewLogin
}

/** True when there is a new login. */
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
      return addAccount(parts, row.label)
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
  const choices = rows.map(({ label, place }) => ({
    value: String(place),
    label: `${place}${place === row.place ? ' (where it is)' : ` (now ${label})`}`,
  }))
  const question = 'Which place? Among equals, the first in the order serves first.'
  const place = await screen.choose(question, choices, String(row.place))
  if (place === undefined) return false
  return say(await moveAccount(store, row.id, Number(place)), `is at place ${place}`, parts)
}

async function remove(row: Row, parts: MenuParts): Promise<boolean> {
  const { screen, store } = parts
  const answer = await screen.choose(`Delete ${row.label}? Its login is gone from this machine.`, [
    { value: 'keep', label: 'No, keep it' },
    { value: 'delete', label: 'Yes, delete it' },
  ])
  if (answer !== 'delete') return false
  return say(await removeAccount(store, row.id), 'was deleted', parts)
}

/** Always false, for there is no new login. `done`: the end of the sentence when it worked. */
function say(result: EditResult, done: string, { screen, world }: MenuParts): false {
  switch (result.kind) {
    case 'changed':
      world.log('info', `${result.label} ${done}.`)
      screen.say('good', `${result.label} ${done}.`)
      break
    case 'unchanged':
      screen.say('info', `${result.label} was so already.`)
      break
    case 'taken':
      screen.say('bad', `Another account is called ${result.label}. Choose another name.`)
      break
    case 'unusable':
      screen.say('bad', 'A name has between 1 and 60 characters.')
      break
    case 'needsLogin':
      screen.say('warning', `${result.label} needs a new login: choose "Sign in again".`)
      break
    case 'gone':
      screen.say('warning', 'This account was deleted meanwhile, in another window.')
      break
    case 'failed':
      screen.say('bad', result.problem.message)
  }
  return false
}

/** What is most likely wanted comes first. */
function actionsFor(row: Row, count: number): readonly Choice<Action>[] {
  const signIn = { value: 'signIn', label: 'Sign in again' } as const
  const enable = { value: 'enable', label: 'Switch on' } as const
  const disable = { value: 'disable', label: 'Switch off' } as const
  const needsLogin = isLoginNeeded(row.disabledReason)
  const isOff = row.state === 'disabled' && !needsLogin
  return [
    ...(needsLogin ? [signIn] : []),
    isOff ? enable : disable,
    { value: 'rename', label: 'Rename' },
    ...(count > 1 ? [{ value: 'move', label: 'Change its place' } as const] : []),
    ...(needsLogin ? [] : [signIn]),
    { value: 'delete', label: 'Delete' },
    BACK,
  ]
}

function lookOf({ screen, world }: MenuParts): Look {
  // Room for the mark before a choice.
  return { paint: screen.paint, width: screen.width() - 2, now: world.now() }
}
