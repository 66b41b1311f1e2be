import { describe, expect, it } from 'vitest'
import { findSecret } from './forms.ts'

const SECRET = 'canary-rt-ann-3-00ff00ff00ff00ff00'

describe('the search for secrets', () => {
  it.each([
    ['as it is', SECRET],
    ['that is a key', 'canary-key-kay-00ff00ff00ff00ff00'],
    ['in JSON', JSON.stringify({ refreshToken: SECRET })],
    ['in a URL', encodeURIComponent(SECRET)],
    ['in hex', Buffer.from(SECRET).toString('hex')],
    ['in base64', Buffer.from(SECRET).toString('base64')],
    ['in base64, one byte on', Buffer.from(`:${SECRET}`).toString('base64')],
    ['in base64, two bytes on', Buffer.from(`a:${SECRET}`).toString('base64')],
    ['in base64url', Buffer.from(`{"t":"${SECRET}"}`).toString('base64url')],
  ])('finds one %s', (_form, text) => {
    expect(findSecret(`before ${text} after`)).toBeDefined()
  })

  it('finds none where there is none', () => {
    expect(findSecret('the canary is well: no token of it stands in this canary-free line')).toBe(
      undefined,
    )
  })
})
