/** The tokens of one account at one time. */
export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly idToken: string | undefined
  readonly generation: number
  /** Epoch ms. */
  readonly expiresAt: number
}

/** A token as it is minted, and the secrets that must never show up anywhere. */
export interface Minted {
  readonly token: string
  readonly secrets: readonly string[]
}

export interface Mint {
  access: (account: string, generation: number) => Minted
  refresh: (account: string, generation: number) => Minted
  id: ((account: string, generation: number) => Minted) | undefined
}

export type Outcome =
  | { readonly kind: 'rotated'; readonly account: string; readonly tokens: TokenPair }
  | { readonly kind: 'unknown' }
  /** Used before, which has just revoked the family, or of a family that is revoked. */
  | { readonly kind: 'reused' | 'revoked'; readonly account: string }

interface Family {
  readonly account: string
  isRevoked: boolean
}

interface Issued {
  readonly family: Family
  readonly generation: number
  /** A refresh token: used. An access token: no longer accepted. */
  isSpent: boolean
  readonly expiresAt: number
}

/**
 * Who holds which token. Each login starts a family; a refresh token works once, and a second use
 * revokes its whole family. Everything here is synchronous, so parallel requests cannot overlap.
 */
export function createLedger(mint: Mint, lifetimeMs: number) {
  const refreshTokens = new Map<string, Issued>()
  const accessTokens = new Map<string, Issued>()
  const current = new Map<string, TokenPair>()
  const generations = new Map<string, number>()
  const secrets = new Set<string>()

  function login(account: string): TokenPair {
    return issue({ account, isRevoked: false })
  }

  function exchange(refreshToken: string): Outcome {
    const issued = refreshTokens.get(refreshToken)
    if (issued === undefined) return { kind: 'unknown' }
    const { family } = issued
    if (family.isRevoked) return { kind: 'revoked', account: family.account }
    if (issued.isSpent) {
      family.isRevoked = true
      return { kind: 'reused', account: family.account }
    }
    issued.isSpent = true
    return { kind: 'rotated', account: family.account, tokens: issue(family) }
  }

  /** A new access token for a refresh token that stays as it is. */
  function extend(refreshToken: string): Outcome {
    const issued = refreshTokens.get(refreshToken)
    if (issued === undefined || issued.isSpent || issued.family.isRevoked) {
      return exchange(refreshToken)
    }
    const { account } = issued.family
    const generation = (generations.get(account) ?? 0) + 1
    generations.set(account, generation)
    const expiresAt = Date.now() + lifetimeMs
    const accessToken = keep(mint.access(account, generation))
    accessTokens.set(accessToken, { ...issued, generation, expiresAt })
    const tokens = { accessToken, refreshToken, idToken: undefined, generation, expiresAt }
    current.set(account, tokens)
    return { kind: 'rotated', account, tokens }
  }

  /** The account of an access token that is accepted now. */
  function accountOf(accessToken: string): string | undefined {
    const issued = accessTokens.get(accessToken)
    if (issued === undefined || issued.isSpent || issued.family.isRevoked) return undefined
    return Date.now() < issued.expiresAt ? issued.family.account : undefined
  }

  /** The access tokens of the account are no longer accepted; its refresh token is. */
  function expire(account: string): void {
    for (const issued of accessTokens.values()) {
      if (issued.family.account === account) issued.isSpent = true
    }
    const tokens = current.get(account)
    if (tokens !== undefined) current.set(account, { ...tokens, expiresAt: Date.now() - 1_000 })
  }

  /** Every family of the account is dead. */
  function revoke(account: string): void {
    for (const { family } of refreshTokens.values()) {
      if (family.account === account) family.isRevoked = true
    }
  }

  function issue(family: Family): TokenPair {
    const generation = (generations.get(family.account) ?? 0) + 1
    generations.set(family.account, generation)
    const expiresAt = Date.now() + lifetimeMs
    const access = keep(mint.access(family.account, generation))
    const refresh = keep(mint.refresh(family.account, generation))
    const id = mint.id === undefined ? undefined : keep(mint.id(family.account, generation))
    accessTokens.set(access, { family, generation, isSpent: false, expiresAt })
    refreshTokens.set(refresh, { family, generation, isSpent: false, expiresAt: Infinity })
    const pair = { accessToken: access, refreshToken: refresh, idToken: id, generation, expiresAt }
    current.set(family.account, pair)
    return pair
  }

  function keep(minted: Minted): string {
    for (const text of [minted.token, ...minted.secrets]) secrets.add(text)
    return minted.token
  }

  return {
    login,
    exchange,
    extend,
    accountOf,
    /** The account a refresh token was given to, whatever has become of it. */
    ownerOf: (refreshToken: string) => refreshTokens.get(refreshToken)?.family.account,
    expire,
    revoke,
    /** The newest tokens of an account. */
    tokensOf: (account: string) => current.get(account),
    /** Remembers another secret, for example a login code. */
    addSecret: (text: string) => void secrets.add(text),
    secrets: (): readonly string[] => [...secrets],
  }
}

export type Ledger = ReturnType<typeof createLedger>
