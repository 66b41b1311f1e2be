import { describe, expect, it } from 'vitest'
import { secret } from '../../src/secret.ts'
import type { SpendJournal, SpendRecord } from '../../src/store/journal.ts'
import { TOKEN } from './spent-token.ts'

const OTHER = secret('canary-rt-other')
export const RENEWED = {
  kind: 'renewed',
  accessToken: secret('canary-at-new'),
  refreshToken: secret('canary-rt-new'),
  expiresAt: 1_900_000_000_000,
  accountId: 'account',
  email: undefined,
} as const satisfies SpendRecord
const DEAD: SpendRecord = { kind: 'dead', code: 'invalid_grant', inDoubt: false }

/** What every `SpendJournal` does. `create` makes a new, empty journal for each test. */
export function describeSpendJournal(name: string, create: () => SpendJournal): void {
  describe(`${name} as a journal of spent tokens`, () => {
    it('gives the right to spend a token to one, however many ask at once', async () => {
      const journal = create()
      const claims = await Promise.all(Array.from({ length: 20 }, () => journal.claim(TOKEN)))
      expect(claims.filter(({ kind }) => kind === 'ours')).toEqual([
        { kind: 'ours', inDoubt: false },
      ])
      expect(claims.filter(({ kind }) => kind === 'theirs')).toHaveLength(19)
    })

    it('gives each token away by itself', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      expect(await journal.claim(OTHER)).toEqual({ kind: 'ours', inDoubt: false })
    })

    it('tells everybody who asks later what came of it', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      await journal.record(TOKEN, RENEWED)
      const record = { kind: 'renewed', expiresAt: RENEWED.expiresAt, accountId: 'account' }
      expect(await journal.claim(TOKEN)).toMatchObject({ kind: 'spent', record })
      expect(await journal.wait(TOKEN, 1_000)).toMatchObject({ kind: 'spent', record })
      const [first, second] = await journal.spent([OTHER, TOKEN])
      expect(first).toBeUndefined()
      expect(second?.kind === 'renewed' && second.refreshToken.reveal()).toBe('canary-rt-new')
    })

    it('keeps a permanent refusal, so that nobody sends the dead token again', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      await journal.record(TOKEN, DEAD)
      expect(await journal.claim(TOKEN)).toEqual({ kind: 'spent', record: DEAD })
    })

    it('lets a ticket be given back when the token was certainly not spent', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      await journal.release(TOKEN)
      expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: false })
    })

    it('lets an exchange that ended in doubt be tried again, as often as it takes', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      for (let attempt = 1; attempt <= 5; attempt++) {
        await journal.leaveInDoubt(TOKEN)
        expect(await journal.claim(TOKEN)).toEqual({ kind: 'ours', inDoubt: true })
      }
    })

    it('ends a wait for an owner that lives and does nothing', async () => {
      const journal = create()
      await journal.claim(TOKEN)
      expect(await journal.wait(TOKEN, 100)).toBeUndefined()
    })
  })
}
