import { describe, expect, it } from 'vitest'
import { openai } from '../../../src/provider/openai/adapter.ts'
import { HOUR, NOW } from '../answer.ts'
import { refreshed, renewal } from '../token-server.ts'
import { jwt } from './jwt.ts'

describe('a token refresh at OpenAI', () => {
  it('sends a form and brings new tokens and the account they belong to', async () => {
    const body = {
      id_token: jwt({
        'https://api.openai.com/auth': { chatgpt_account_id: 'account-1' },
        'https://api.openai.com/profile': { email: 'mü@example.org' },
      }),
      access_token: 'access-2',
      refresh_token: 'refresh-2',
      expires_in: 864_000,
    }
    const { answer, asked } = await refreshed(openai, { status: 200, body })
    expect(asked).toEqual([
      {
        method: 'POST',
        contentType: 'application/x-www-form-urlencoded',
        body: 'grant_type=refresh_token&refresh_token=refresh-1&client_id=app_EMoamEEZ73f0CkXaXp7hrann',
      },
    ])
    expect(answer).toMatchObject({
      kind: 'renewed',
      expiresAt: NOW + 864_000_000,
      accountId: 'account-1',
      email: 'mü@example.org',
    })
    expect(renewal(answer).accessToken.reveal()).toBe('access-2')
    expect(renewal(answer).refreshToken.reveal()).toBe('refresh-2')
  })

  it('takes the expiry from the access token when the answer names none', async () => {
    const access_token = jwt({ exp: (NOW + 3 * HOUR) / 1_000 })
    expect(await answerTo(200, { access_token })).toMatchObject({ expiresAt: NOW + 3 * HOUR })
  })

  it('does not believe an expiry in the past or in another age', async () => {
    const access_token = jwt({ exp: NOW / 1_000 - 1 })
    expect(await answerTo(200, { access_token })).toMatchObject({ expiresAt: NOW + HOUR })
    const eternal = jwt({ exp: 9e15 })
    expect(await answerTo(200, { access_token: eternal })).toMatchObject({ expiresAt: NOW + HOUR })
  })

  it.each([
    'refresh_token_expired',
    'refresh_token_reused',
    'refresh_token_invalidated',
    'invalid_grant',
    'token_revoked',
    'app_session_terminated',
    'account_deactivated',
  ])('is the end of the token after %s', async (code) => {
    const body = { error: { code, type: 'invalid_request_error', message: 'no' } }
    expect(await answerTo(401, body)).toEqual({ kind: 'dead', code })
  })

  it.each([401, 403])('may pass after a %i without a known code', async (status) => {
    expect(await answerTo(status, '<html>')).toEqual({ kind: 'refused', code: `http_${status}` })
    const body = { error: { code: 'odd' } }
    expect(await answerTo(status, body)).toEqual({ kind: 'refused', code: 'odd' })
  })
})

async function answerTo(status: number, body: unknown) {
  return (await refreshed(openai, { status, body })).answer
}
