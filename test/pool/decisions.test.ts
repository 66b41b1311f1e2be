import { expect, it } from 'vitest'
import { createDecisions } from '../../src/pool/decisions.ts'
import type { PoolNews } from '../../src/pool/events.ts'

it('remembers the last requests, and apart from them what became of the accounts', () => {
  let now = 0
  const { note, recent } = createDecisions(() => ++now)
  note(changed('active', 'rateLimited'))
  for (let count = 0; count < 1_000; count++) note(ASSIGNED)
  const { requests, changes } = recent()
  expect(changes).toEqual([{ at: 1, news: changed('active', 'rateLimited') }])
  expect(requests).toHaveLength(150)
  expect(requests.at(-1)?.at).toBe(1_001)
})

it('keeps no more changes than that, and none of accounts that are simply there at the start', () => {
  const { note, recent } = createDecisions(() => 0)
  note(changed(undefined, 'active'))
  expect(recent().changes).toEqual([])
  note(changed(undefined, 'disabled'))
  expect(recent().changes).toHaveLength(1)
  for (let count = 0; count < 100; count++) note(changed('active', 'cooling'))
  expect(recent().changes).toHaveLength(50)
})

const ASSIGNED: PoolNews = {
  type: 'request.assigned',
  account: 'a',
  label: 'a',
  reason: 'home',
  conversation: 'one',
  isSubagent: false,
  after: undefined,
}

type Changed = PoolNews & { type: 'account.changed' }

function changed(from: Changed['from'], to: Changed['to']): Changed {
  const rest = { why: '', backAt: undefined, disabledReason: null, kind: 'subscription' } as const
  return { type: 'account.changed', account: 'a', label: 'a', from, to, ...rest }
}
