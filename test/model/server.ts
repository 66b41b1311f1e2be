import { type Wire, type World, loginToken, processAt, replaced, withProcess } from './world.ts'

/** The token leaves the process. What the server makes of it is another step. */
export function send(world: World, me: number): World {
  const { token } = processAt(world, me)
  const { ghost } = world
  const answerable = ghost.answerable[token] ?? 0
  // What a login stored says nothing about this token.
  const isKnownSpent = ghost.durable > token && ghost.durable < loginToken(world)
  const needless =
    answerable > 0 || isKnownSpent ? replaced(ghost.needless, token, true) : ghost.needless
  return withProcess(
    {
      ...world,
      ghost: {
        ...ghost,
        needless,
        answerable: replaced(ghost.answerable, token, answerable + 1),
      },
    },
    me,
    { wire: 'sent', inWindow: true },
  )
}

/** Its sender died, or gave up, without a record: from now on the token is in doubt. */
export function unanswerable(world: World, token: number): World {
  const { ghost } = world
  const answerable = replaced(ghost.answerable, token, (ghost.answerable[token] ?? 0) - 1)
  return { ...world, ghost: { ...ghost, answerable } }
}

/** A current token rotates; a spent one ends the whole family. */
export function receive(world: World, token: number): { world: World; answer: Wire } {
  if (token === world.current && !world.revoked) {
    return { world: { ...world, current: token + 1 }, answer: 'renewed' }
  }
  if (token === world.current) return { world, answer: 'dead' }
  const { ghost } = world
  const avoidable = ghost.avoidable + (ghost.needless[token] === true ? 1 : 0)
  return {
    world: { ...world, revoked: true, ghost: { ...ghost, reuses: ghost.reuses + 1, avoidable } },
    answer: 'dead',
  }
}
