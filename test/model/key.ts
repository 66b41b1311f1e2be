import { type Process, type World, NOBODY } from './world.ts'

/**
 * A state as text. With `symmetry`, states that differ only in which process is which are the same:
 * the processes are put in order by what they do and own.
 */
export function key(world: World, symmetry: boolean): string {
  const { processes, tickets, ghost } = world
  const texts = processes.map((process, me) => textOf(world, process, me))
  const order = texts.map((_, me) => me)
  if (symmetry) order.sort((left, right) => compare(texts[left] ?? '', texts[right] ?? ''))
  let text = ''
  for (const me of order) text += `${texts[me]};`
  for (const list of tickets) text += `${symmetry ? renamed(list, order) : list},`
  const lock = world.lock === NOBODY ? '-' : order.indexOf(world.lock)
  text += `${world.store}${world.current}${world.revoked ? 1 : 0}${world.records.join('')}`
  text += `${lock}${world.saver}${world.late.join('')}`
  text += `|${world.crashes}${world.cuts}${world.refusals}${world.thefts}${world.saves}${world.diskFaults}${world.logins}`
  text += `|${ghost.answerable.join('')}${ghost.needless.map(Number).join('')}`
  text += `${ghost.reuses}${ghost.avoidable}${ghost.crashesWithTicket}${ghost.crashesInWindow}`
  return `${text}${ghost.durable}${ghost.wentBack ? 1 : 0}${ghost.wronglyUnsent ? 1 : 0}`
}

function textOf(world: World, process: Process, me: number): string {
  let text = ownTextOf(process)
  if (world.lock === me) text += 'l'
  const owner = String(me)
  world.tickets.forEach((list, at2) => {
    const n = list.indexOf(owner)
    if (n >= 0) text += `.${at2}${n}`
  })
  return text
}

function ownTextOf(process: Process): string {
  const { at, renewals, memory, token, ticket, deaths, wire, outcome, unrecorded } = process
  const numbers = `${renewals}${memory}${token}${ticket}${deaths}${unrecorded}${flagsOf(process)}`
  return codeOf(at) + codeOf(wire) + codeOf(outcome) + numbers
}

/** One character. */
function flagsOf({ inWindow, again, isWritten, isMarked }: Process): string {
  const flags = (inWindow ? 1 : 0) + (again ? 2 : 0) + (isWritten ? 4 : 0) + (isMarked ? 8 : 0)
  return flags.toString(16)
}

function renamed(tickets: string, order: readonly number[]): string {
  let text = ''
  for (const owner of tickets) {
    text += 'oxuRD'.includes(owner) ? owner : order.indexOf(Number(owner))
  }
  return text
}

function compare(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}

const codes = new Map<string, string>()

/** One character for each name of a step: keys are short, and there are many. */
function codeOf(name: string): string {
  const known = codes.get(name)
  if (known !== undefined) return known
  const code = String.fromCharCode(65 + codes.size)
  codes.set(name, code)
  return code
}
