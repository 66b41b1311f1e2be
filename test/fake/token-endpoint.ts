import type { Account } from './accounts.ts'
import { type Dialect, type Headers, jsonAnswer } from './dialect.ts'
import { type HttpAnswer, type HttpRequest, pause } from './http.ts'
import type { Ledger, TokenPair } from './ledger.ts'
import type { createLogins } from './login.ts'
import type { TokenBehavior } from './token-behaviors.ts'

/** One use of a refresh token. */
export interface ExchangeRecord {
  /** Epoch ms. */
  readonly at: number
  readonly account: string | undefined
  readonly refreshToken: string
  /** The `x-client` header of the request. */
  readonly client: string | undefined
  readonly outcome: 'rotated' | 'reused' | 'revoked' | 'unknown' | 'refused' | 'cut'
}

/** The token endpoint: refresh tokens by the ledger's rule, login codes by PKCE. */
export function createTokenEndpoint(options: {
  readonly dialect: Dialect
  readonly ledger: Ledger
  readonly logins: ReturnType<typeof createLogins>
  readonly accountOf: (name: string) => Account
  readonly behavior: TokenBehavior
}) {
  const { dialect, ledger, logins, accountOf } = options
  const exchanges: ExchangeRecord[] = []
  let behavior = options.behavior
  let earlier = 0

  async function answer(request: HttpRequest): Promise<HttpAnswer> {
    const fields = dialect.tokenFields(request)
    if (typeof fields === 'string') return refusal(400, 'invalid_request', fields)
    if (fields['client_id'] !== dialect.clientId) {
      return refusal(400, 'invalid_client', 'client_id is unknown.')
    }
    const grantType = fields['grant_type']
    if (grantType === 'authorization_code') return redeem(fields)
    if (grantType === 'refresh_token') {
      return exchange(fields['refresh_token'] ?? '', request)
    }
    return refusal(400, 'unsupported_grant_type', 'grant_type is unknown.')
  }

  async function exchange(
    refreshToken: string,
    { signal, headers }: HttpRequest,
  ): Promise<HttpAnswer> {
    const client = headers['x-client']
    const note = (outcome: ExchangeRecord['outcome']) =>
      exchanges.push({
        at: Date.now(),
        account: ledger.ownerOf(refreshToken),
        refreshToken,
        client,
        outcome,
      })
    const reaction = behavior({ earlier: earlier++, client })
    if (reaction.kind === 'cut') {
      note('cut')
      return { kind: 'cut' }
    }
    if (reaction.kind === 'refuse') {
      note('refused')
      return refusal(reaction.status, reaction.code, 'The token endpoint was told to refuse.')
    }
    if (reaction.kind === 'rotate') await pause(reaction.beforeMs, signal)
    const isKept = reaction.kind === 'keep'
    const outcome = isKept ? ledger.extend(refreshToken) : ledger.exchange(refreshToken)
    note(outcome.kind)
    if (outcome.kind !== 'rotated') {
      return refusal(400, 'invalid_grant', 'Refresh token not found or invalid')
    }
    if (reaction.kind === 'rotateAndCut') return { kind: 'cut' }
    if (isKept) return granted(outcome.account, outcome.tokens, ['refresh_token'])
    await pause(reaction.afterMs, signal)
    return granted(outcome.account, outcome.tokens)
  }

  function redeem(fields: Headers): HttpAnswer {
    const found = logins.redeem(fields)
    if (typeof found === 'string') return refusal(400, 'invalid_grant', found)
    return granted(found.account, ledger.login(found.account))
  }

  function granted(name: string, tokens: TokenPair, without: readonly string[] = []): HttpAnswer {
    const fields = Object.entries(dialect.tokenAnswer(accountOf(name), tokens))
    return jsonAnswer(200, Object.fromEntries(fields.filter(([field]) => !without.includes(field))))
  }

  function refusal(status: number, code: string, message: string): HttpAnswer {
    return jsonAnswer(status, dialect.tokenError(code, message))
  }

  return {
    answer,
    exchanges,
    reuses: () => exchanges.filter(({ outcome }) => outcome === 'reused').length,
    behave: (next: TokenBehavior) => {
      behavior = next
      earlier = 0
    },
  }
}
