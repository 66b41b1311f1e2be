import { describe, expect, it } from 'vitest'
import { type Link, type LinkState, openLink } from '../../src/page/link.ts'

interface Scene {
  readonly link: Link
  readonly states: readonly LinkState[]
  readonly pictures: readonly string[]
  /** How many streams were opened, and how many of them are open. */
  readonly opened: () => number
  readonly open: () => number
  /** What the newest stream hears. */
  hears(what: 'picture' | 'sign' | 'failure'): void
  pass(ms: number): void
}

function sceneOf(): Scene {
  let now = 0
  let closed = 0
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  const streams: { picture: (text: string) => void; sign: () => void; failure: () => void }[] = []
  const states: LinkState[] = []
  const pictures: string[] = []
  const link = openLink({
    connect: (heard) => {
      streams.push(heard)
      let isOpen = true
      return () => {
        if (isOpen) closed += 1
        isOpen = false
      }
    },
    now: () => now,
    later: (run, ms) => {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    onPicture: (text) => pictures.push(text),
    onState: (state) => states.push(state),
  })
  return {
    link,
    states,
    pictures,
    opened: () => streams.length,
    open: () => streams.length - closed,
    hears: (what) => streams.at(-1)?.[what]('{}'),
    pass: (ms) => {
      const end = now + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (next === undefined) break
        timers.delete(next)
        now = next.at
        next.run()
      }
      now = end
    },
  }
}

describe('the link to the process', () => {
  it('is live with the first picture', () => {
    const { states, pictures, hears } = sceneOf()
    hears('picture')
    expect(states).toEqual([{ kind: 'live', backAt: 0 }])
    expect(pictures).toEqual(['{}'])
  })

  it('is lost when its stream fails, and comes back', () => {
    const { states, hears, pass, opened, open } = sceneOf()
    hears('picture')
    pass(1_000)
    hears('failure')
    expect(states.at(-1)).toEqual({ kind: 'lost', since: 1_000 })
    expect(open()).toBe(0)
    pass(500)
    expect([opened(), open()]).toEqual([2, 1])
    hears('picture')
    expect(states.at(-1)).toEqual({ kind: 'live', backAt: 1_500 })
  })

  it('tries again ever more seldom, but at least every ten seconds', () => {
    const { hears, pass, opened, states } = sceneOf()
    const pauses = [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]
    for (const [at, pause] of pauses.entries()) {
      hears('failure')
      pass(pause - 1)
      expect(opened()).toBe(at + 1)
      pass(1)
      expect(opened()).toBe(at + 2)
    }
    expect(states).toHaveLength(1)
  })

  it('takes silence for a question: another stream answers it', () => {
    const { hears, pass, opened, open, states } = sceneOf()
    hears('picture')
    pass(30_000)
    hears('sign')
    pass(39_999)
    expect(opened()).toBe(1)
    pass(1)
    expect([opened(), open()]).toEqual([2, 1])
    hears('picture')
    expect(states).toEqual([{ kind: 'live', backAt: 0 }])
  })

  it('is lost since it was last heard when the other stream is silent, too', () => {
    const { hears, pass, states } = sceneOf()
    pass(100)
    hears('picture')
    pass(45_000)
    expect(states.at(-1)).toEqual({ kind: 'lost', since: 100 })
  })

  it('tries at once when it is asked to, only while it is lost', () => {
    const { link, hears, opened, open } = sceneOf()
    hears('picture')
    link.retry()
    expect(opened()).toBe(1)
    hears('failure')
    link.retry()
    expect([opened(), open()]).toEqual([2, 1])
  })

  it('leaves nothing behind when it is closed', () => {
    const { link, hears, pass, opened, open } = sceneOf()
    hears('picture')
    link.close()
    pass(100_000)
    expect([opened(), open()]).toEqual([1, 0])
  })
})
