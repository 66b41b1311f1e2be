import { describe, expect, it } from 'vitest'
import {
  ALWAYS_ANSWERS,
  ANSWERS,
  type Behavior,
  CALLS_TOOL,
  LIMITED_ONCE,
  LIMITED_WITHOUT_REASON,
  ONCE,
  OVERLOADED,
  REVOKED,
  SEQUENCE,
  SLOW,
  STREAMS_SLOWLY,
  type Turn,
  WHEN,
} from './behaviors.ts'

describe('a behaviour', () => {
  it('answers with the name of the account unless it is told otherwise', async () => {
    expect(await kinds(ANSWERS, 1)).toEqual(['answered by a'])
  })

  it('does a thing once, then answers', async () => {
    expect(await kinds(ONCE(REVOKED), 2)).toEqual(['revoked', 'answered by a'])
    expect(await kinds(LIMITED_ONCE(5), 2)).toEqual(['limited', 'answered by a'])
  })

  it('takes its steps in order, counts within the last one, and stays there', async () => {
    const sequence = SEQUENCE(LIMITED_WITHOUT_REASON, ALWAYS_ANSWERS('x'), OVERLOADED(2))
    expect(await kinds(sequence, 5)).toEqual([
      'burst',
      'x',
      'overloaded',
      'overloaded',
      'answered by a',
    ])
  })

  it('tells requests apart', async () => {
    const behavior = WHEN(({ model }) => model === 'small', ALWAYS_ANSWERS('title'), REVOKED)
    expect(await behavior({ ...TURN, model: 'small' })).toEqual({ kind: 'text', text: 'title' })
    expect(await behavior(TURN)).toEqual({ kind: 'revoked' })
  })

  it('waits before it answers, and between the pieces of the answer', async () => {
    const waits: number[] = []
    const pause = async (ms: number) => void waits.push(ms)
    await SLOW(50)({ ...TURN, pause })
    expect(waits).toEqual([50])
    expect(await STREAMS_SLOWLY('x', 20)(TURN)).toMatchObject({ betweenChunksMs: 20 })
  })

  it('calls no tool in a subagent', async () => {
    const behavior = CALLS_TOOL('task', {}, 'done')
    const offering = { ...TURN, tools: ['task'] }
    expect(await behavior(offering)).toMatchObject({ kind: 'tool', name: 'task' })
    expect(await behavior({ ...offering, parent: 's' })).toMatchObject({ text: 'answered by a' })
  })
})

const TURN: Turn = {
  account: 'a',
  earlier: 0,
  model: 'large',
  session: undefined,
  parent: undefined,
  tools: [],
  isAfterTool: false,
  bodyText: '',
  defaultText: 'answered by a',
  pause: async () => undefined,
}

/** What comes of so many requests: the text of an answer, else the kind. */
async function kinds(behavior: Behavior, count: number): Promise<readonly string[]> {
  const seen: string[] = []
  for (let earlier = 0; earlier < count; earlier++) {
    const reaction = await behavior({ ...TURN, earlier })
    seen.push(reaction.kind === 'text' ? reaction.text : reaction.kind)
  }
  return seen
}
