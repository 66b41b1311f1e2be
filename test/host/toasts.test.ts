import { describe, expect, it } from 'vitest'
import { type Toast, createToasts } from '../../src/host/toasts.ts'
import type { PoolNews } from '../../src/pool/events.ts'

const NOON = new Date('2026-11-21T12:00:00').getTime()
const LATER = NOON + 2 * 3_600_000
const OWN = { conversation: 'one', isSubagent: false }

describe('toasts', () => {
  it('say that an account is limited, until when, and who goes on', () => {
    const { hear, shown } = start()
    hear(limited('work'), refused('work'), assigned('home', 'work'))
    expect(shown).toEqual([
      {
        kind: 'limited',
        variant: 'warning',
        message: expect.stringMatching(
          /^work: its 5-hour window is used up; back at 0?2:00 PM\. Going on with home\.$/,
        ),
      },
    ])
  })

  it('say that a request went to another account, and why', () => {
    const { hear, messages } = start()
    hear(assigned('work'), refused('work', 'the provider is in trouble'), assigned('home', 'work'))
    expect(messages()).toEqual(['work: the provider is in trouble. Going on with home.'])
  })

  it('say that a request waits, and for whom', () => {
    const { hear, messages } = start()
    hear({ type: 'request.waiting', label: 'work', until: NOON + 20_000, ...OWN })
    expect(messages()).toEqual(['All accounts are limited: waiting for work, back in 20 s.'])
  })

  it('say that an account fell out, unless the person did it', () => {
    const { hear, shown } = start()
    hear(disabled('work', 'user', 'switched off by you'))
    hear(disabled('home', 'revoked', 'it needs a new login'))
    expect(shown).toEqual([
      { kind: 'disabled', variant: 'error', message: 'home: it needs a new login.' },
    ])
  })

  it('say nothing of requests that succeed, and nothing of subagents', () => {
    const { hear, shown } = start()
    const ofSubagent = { conversation: 'two', isSubagent: true }
    hear(
      assigned('work'),
      limited('work'),
      { ...refused('work'), ...ofSubagent },
      { ...assigned('home', 'work'), ...ofSubagent },
      { type: 'request.waiting', label: 'work', until: LATER, ...ofSubagent },
      { type: 'token.renewed', account: 'work', label: 'work' },
    )
    expect(shown).toEqual([])
  })

  it('say nothing of a limit that another process met', () => {
    const { hear, shown } = start()
    hear(limited('work'), assigned('home'))
    expect(shown).toEqual([])
  })

  it('come at most once in 30 s for each kind', () => {
    const { hear, messages, pass } = start()
    const move = (from: string) => {
      hear(refused(from, 'it is slow'), assigned('home', from))
      return messages().length
    }
    expect([move('a'), move('b')]).toEqual([1, 1])
    hear(disabled('c', 'billing', 'its plan does not pay for this'))
    expect(messages()).toHaveLength(2)
    pass(29_999)
    expect(move('d')).toBe(2)
    pass(1)
    expect(move('e')).toBe(3)
  })
})

function start() {
  const shown: Toast[] = []
  let now = NOON
  const tell = createToasts(
    (toast) => void shown.push(toast),
    () => now,
  )
  return {
    shown,
    messages: () => shown.map(({ message }) => message),
    pass: (ms: number) => void (now += ms),
    hear(...all: PoolNews[]) {
      for (const news of all) tell(news)
    },
  }
}

function assigned(label: string, after?: string): PoolNews {
  return {
    type: 'request.assigned',
    account: label,
    label,
    reason: 'active',
    ...OWN,
    after,
  }
}

function refused(label: string, why = 'its 5-hour window is used up'): PoolNews {
  return { type: 'request.refused', account: label, label, status: 429, why, ...OWN }
}

function limited(label: string): PoolNews {
  const why = 'its 5-hour window is used up'
  return changed(label, { to: 'rateLimited', why, backAt: LATER })
}

function disabled(
  label: string,
  disabledReason: 'user' | 'revoked' | 'billing',
  why: string,
): PoolNews {
  return changed(label, { to: 'disabled', why, disabledReason })
}

function changed(
  label: string,
  what: Pick<PoolNews & { type: 'account.changed' }, 'to' | 'why'> &
    Partial<PoolNews & { type: 'account.changed' }>,
): PoolNews {
  return {
    type: 'account.changed',
    account: label,
    label,
    from: 'active',
    backAt: undefined,
    disabledReason: null,
    kind: 'subscription',
    ...what,
  }
}
