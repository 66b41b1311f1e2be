import type { EditResult } from '../../accounts/edit.ts'
import type { MenuParts } from './parts.ts'

/**
 * What came of a change. Always false: there is no new account. `done`: the end of the sentence when it worked.
 */
export function say(result: EditResult, done: string, { screen, world }: MenuParts): false {
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
    case 'inUse':
      screen.say('bad', `That is the key of ${result.label}. Nothing was changed.`)
      break
    case 'unusable':
      screen.say('bad', 'A name has between 1 and 60 characters.')
      break
    case 'needsLogin':
      screen.say('warning', `${result.label} needs a new login or key first.`)
      break
    case 'gone':
      screen.say('warning', 'This account was deleted meanwhile, in another window.')
      break
    case 'failed':
      screen.say('bad', result.problem.message)
  }
  return false
}
