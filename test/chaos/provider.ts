import { writeFileSync } from 'node:fs'
import { secret } from '../../src/secret.ts'
import { createFileStore } from '../../src/store/file.ts'
import type { StoredAccount } from '../../src/store/schema.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { type Death, type FinalAccount, type Spend, diedWith, hasLostAnswer } from './check.ts'
import { hashOf, storedAccounts } from './tokens.ts'

/** The file can be too busy for a login: a person tries again, but not for ever. */
const MOST_TRIES = 3

/** A strict provider, and the accounts file of its clients. */
export interface ChaosProvider {
  readonly fake: Fake
  readonly file: string
  /** Every use of a refresh token so far, without the token. */
  spends(): readonly Spend[]
  /** Whose login no longer works at the provider. */
  dead(): readonly string[]
  /** Signs in again, as a person would, and writes the new login into the file. */
  login(name: string): Promise<void>
  /** How each account stands in the file and at the provider, after these deaths. */
  standing(deaths: readonly Death[]): readonly FinalAccount[]
  close(): Promise<void>
}

export async function startProvider(
  file: string,
  accounts: readonly string[],
): Promise<ChaosProvider> {
  const fake = await createFakeAnthropic({ accounts })
  writeFileSync(file, JSON.stringify(fake.seed()), { mode: 0o600 })
  const store = createFileStore({ file, now: Date.now })
  /** The tokens of logins that have been replaced. */
  const replaced = new Set<string>()
  const isDead = (name: string) =>
    fake.exchanges.some(
      ({ account, refreshToken, outcome }) =>
        account === name &&
        (outcome === 'reused' || outcome === 'revoked') &&
        !replaced.has(refreshToken),
    )

  const spends = () =>
    fake.exchanges.map(({ refreshToken, client = 'somebody', at, outcome }) => ({
      token: hashOf(refreshToken),
      client,
      at,
      outcome,
    }))

  return {
    fake,
    file,
    spends,
    dead: () => accounts.filter(isDead),
    async login(name) {
      replaced.add(fake.account(name).tokens().refreshToken)
      for (const { account, refreshToken } of fake.exchanges) {
        if (account === name) replaced.add(refreshToken)
      }
      const { refreshToken, accessToken, expiresAt } = fake.account(name).login()
      const repaired = (account: StoredAccount): StoredAccount => ({
        ...account,
        refreshToken: secret(refreshToken),
        accessToken: secret(accessToken),
        expiresAt,
        tokenVersion: account.tokenVersion + 1,
        isAuthDisabled: false,
        authDisabledReason: undefined,
        disabledReason: undefined,
        consecutiveAuthFailures: 0,
        authRetryAt: 0,
      })
      for (let tries = 1; ; tries++) {
        const result = await store.update((document) => ({
          ...document,
          accounts: document.accounts.map((account) =>
            account.label === name ? repaired(account) : account,
          ),
        }))
        if (result.ok) return
        if (tries === MOST_TRIES) throw new Error(`Nobody can sign in: ${result.problem.message}`)
      }
    },
    standing: (deaths) =>
      storedAccounts(file).map(({ label = '', tokenVersion, refreshToken, disabledReason }) => {
        const token = hashOf(refreshToken.reveal())
        return {
          account: label,
          version: tokenVersion,
          token,
          disabledReason,
          newest: isDead(label) ? undefined : hashOf(fake.account(label).tokens().refreshToken),
          isInDoubt: hasLostAnswer(token, spends(), deaths),
          deadOwners: diedWith(token, deaths),
        }
      }),
    async close() {
      await store.dispose()
      await fake.close()
    },
  }
}
