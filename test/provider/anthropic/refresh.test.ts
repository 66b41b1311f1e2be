import { describe, expect, it } from 'vitest'
import { anthropic } from '../../../src/provider/anthropic/adapter.ts'
import { NOW } from '../answer.ts'
import { refreshed, renewal } from '../token-server.ts'

describe('a token refresh at Anthropic', () => {
  it('sends JSON and brings a new pair of tokens', async () => {
    const body = {
      access_token: 'access-2',
      refresh_token: 'refresh-2',
      expires_in: 28_800,
      account: { uuid: 'uuid-1', email_address: 'me@example.org' },
    }
    const { answer, asked } = await refreshed(anthropic, { status: 200, body })
    expect(asked).toEqual([
      {
        method: 'POST',
        contentType: 'application/json',
        body: '{"grant_type":"refresh_token","refresh_token":"refresh-1","client_id":"9d1c250a-e61b-44d9-88ed-5944d1962f5e"}',
      },
    ])
    expect(answer).toMatchObject({
      kind: 'renewed',
      expiresAt: NOW + 28_800_000,
      accountId: 'uuid-1',
      email: 'me@example.org',
    })
    expect(renewal(answer).accessToken.reveal()).toBe('access-2')
    expect(renewal(answer).refreshToken.reveal()).toBe('refresh-2')
  })

  it.each([
    ['invalid_grant', { error: 'invalid_grant' }],
    ['not found', error('invalid_request_error', 'Refresh token not found or invalid')],
    ['expired', { error: 'bad', error_description: 'Refresh token expired' }],
  ])('is the end of the token after a 400: %s', async (_, body) => {
    expect(await answerTo(400, body)).toEqual({ kind: 'dead', code: 'invalid_grant' })
  })

  it.each([401, 403])('is the end of the token after a %i of the endpoint', async (status) => {
    expect(await answerTo(status, error('permission_error', 'no'))).toEqual({
      kind: 'dead',
      code: 'permission_error',
    })
    expect(await answerTo(status, {})).toEqual({ kind: 'dead', code: `http_${status}` })
  })

  it('may pass after the 403 of a proxy', async () => {
    const answer = await answerTo(403, '<html>Refresh token invalid</html>')
    expect(answer).toEqual({ kind: 'refused', code: 'http_403' })
  })

  it('may pass when the endpoint does not know this client', async () => {
    const answer = await answerTo(401, { error: 'invalid_client' })
    expect(answer).toEqual({ kind: 'refused', code: 'invalid_client' })
  })
})

async function answerTo(status: number, body: unknown) {
  return (await refreshed(anthropic, { status, body })).answer
}

function error(type: string, message: string) {
  return { type: 'error', error: { type, message } }
}
