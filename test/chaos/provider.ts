import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import type { Spend } from './check.ts'

/** A strict provider, and the accounts file of its clients. */
export interface ChaosProvider {
  readonly fake: Fake
  readonly file: string
  /** Every use of a refresh token so far, without the token. */
  spends(): readonly Spend[]
  /** Whose login no longer works at the provider. */
  dead(): readonly string[]
  /** Signs in again, as a person would, and writes the new login into the file. */
  login(name: string): void
}

export async function startProvider(
  file: string,
  accounts: readonly string[],
): Promise<ChaosProvider> {
  const fake = await createFakeAnthropic({ accounts })
  writeFileSync(file, JSON.stringify(fake.seed()), { mode: 0o600 })
  /** How many exchanges came before the last login of each account. */
  const before = new Map<string, number>()
  return {
    fake,
    file,
    spends: () =>
      fake.exchanges.map(({ refreshToken, client, at, outcome }) => ({
        token: createHash('sha256').update(refreshToken).digest('hex'),
        client,
        at,
        outcome,
      })),
    dead: () =>
      accounts.filter((name) =>
        fake.exchanges
          .slice(before.get(name) ?? 0)
          .some(
            ({ account, outcome }) =>
              account === name && (outcome === 'reused' || outcome === 'revoked'),
          ),
      ),
    login(name) {
      before.set(name, fake.exchanges.length)
      const { refreshToken, accessToken, expiresAt } = fake.account(name).login()
      const document = JSON.parse(readFileSync(file, 'utf8'))
      const repaired = (account: Account) => ({
        ...account,
        refreshToken,
        accessToken,
        expiresAt,
        tokenVersion: (account.tokenVersion ?? 0) + 1,
        isAuthDisabled: false,
        authDisabledReason: undefined,
        disabledReason: undefined,
        consecutiveAuthFailures: 0,
        authRetryAt: 0,
      })
      const rev = (document.rev ?? 0) + 1
      const all = document.accounts.map((account: Account) =>
        account.label === name ? repaired(account) : account,
      )
      const text = JSON.stringify({ ...document, rev, accounts: all })
      writeFileSync(file, text, { mode: 0o600 })
    },
  }
}

interface Account {
  readonly label: string
  readonly tokenVersion?: number
}
