import { describe, expect, it } from 'vitest'
import { newFacts } from '../../machines/facts.ts'
import { sameStoredFacts } from '../../machines/merge.ts'
import { withFacts } from '../../src/pool/translate.ts'
import { parseDocument } from '../../src/store/document.ts'
import { realWorld } from '../../src/world.ts'

const NOW = 1_800_000_000_000
const LATER = NOW + 60_000

describe('a renewal that is postponed, as the token endpoint is out of reach', () => {
  it('is no reason to write: others may reach it', () => {
    const facts = newFacts('a')
    const postponed = { ...facts, authRetryAt: LATER, postponements: 1 }
    expect(sameStoredFacts(facts, postponed, NOW)).toBe(true)
    expect(sameStoredFacts(facts, { ...postponed, authFailures: 1 }, NOW)).toBe(false)
  })

  it('is not told to others when something else of the account is', () => {
    const [account] = accounts()
    if (account === undefined) throw new Error('no account')
    const facts = newFacts('a', { strikes: 1, authRetryAt: LATER, postponements: 1 })
    expect(withFacts(account, facts)).toMatchObject({ strikes: 1, authRetryAt: 0 })
    const failed = { ...facts, authFailures: 1 }
    expect(withFacts(account, failed)).toMatchObject({ authRetryAt: LATER })
  })
})

describe('the log of the host', () => {
  it('ends no request when it throws', () => {
    const world = realWorld(() => {
      throw new Error('a fault of the host')
    })
    expect(() => world.log('warn', 'a line')).not.toThrow()
  })
})

function accounts() {
  const parsed = parseDocument(
    JSON.stringify({ version: 1, accounts: [{ uuid: 'a', refreshToken: 'token' }] }),
  )
  return parsed.ok ? parsed.document.accounts : []
}
