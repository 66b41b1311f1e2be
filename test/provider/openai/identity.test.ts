import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readExpiry, readIdentity } from '../../../src/provider/openai/identity.ts'
import { secret } from '../../../src/secret.ts'
import { jwt } from './jwt.ts'

const AUTH = 'https://api.openai.com/auth'

describe('the identity in a token', () => {
  it('is read from the ID token, and what is missing there from the access token', () => {
    const id = jwt({ email: 'id@example.org', [AUTH]: { chatgpt_account_id: 'account-1' } })
    const access = jwt({
      [AUTH]: {
        chatgpt_account_id: 'account-2',
        chatgpt_account_user_id: 'user-1__account-2',
        chatgpt_user_id: 'user-1',
        chatgpt_plan_type: 'plus',
      },
      'https://api.openai.com/profile': { email: 'access@example.org' },
    })
    expect(identity(id, access)).toEqual({
      accountId: 'account-1',
      userId: 'user-1__account-2',
      email: 'id@example.org',
      planTier: 'plus',
    })
  })

  it.each([
    [{ chatgpt_account_id: 'top' }, 'top'],
    [{ organizations: [{ id: 'org-1' }, { id: 'org-2' }] }, 'org-1'],
    [{ chatgpt_account_id: '', organizations: [{ id: 'org-1' }] }, 'org-1'],
    [{ organizations: [] }, undefined],
    [{ organizations: 'x', [AUTH]: 7 }, undefined],
  ])('has the account id of %j', (claims, accountId) => {
    expect(identity(undefined, jwt(claims)).accountId).toBe(accountId)
  })

  it('is empty, and never an exception, for anything that is no token', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json().map(jwt), fc.anything().map(fragment)),
        (text) => {
          expect(Object.keys(identity(text, text))).toHaveLength(4)
          const expiry = readExpiry(secret(text))
          expect(expiry === undefined || expiry > 0).toBe(true)
        },
      ),
      { numRuns: 1_000 },
    )
    expect(identity(undefined, 'opaque-token')).toEqual({})
  })
})

function identity(idToken: string | undefined, accessToken: string) {
  return readIdentity({
    idToken: idToken === undefined ? undefined : secret(idToken),
    accessToken: secret(accessToken),
  })
}

function fragment(value: unknown): string {
  return `a.${fc.stringify(value)}.b`
}
