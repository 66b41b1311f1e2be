import { type Account, type Usage, setUsage } from './accounts.ts'
import type { Behavior } from './behaviors.ts'
import type { Ledger, TokenPair } from './ledger.ts'
import type { Member } from './members.ts'
import type { RecordedRequest } from './record.ts'

/** One account of the fake, as a test steers it. */
export interface SteeredAccount extends Readonly<Omit<Account, 'windows'>> {
  /** From now on; counting starts again. */
  behave: (behavior: Behavior) => void
  /** Percent used, as limit headers and the usage endpoint report it. */
  use: (usage: Usage) => void
  /** The access tokens out there are no longer accepted; refreshing works. */
  expire: () => void
  /** No token of this account works any more. */
  revoke: () => void
  /** The newest tokens. */
  tokens: () => { readonly accessToken: string; readonly refreshToken: string }
  /** Signs in anew: a family of its own. */
  login: () => TokenPair
  /** Its requests for the model, in order. */
  requests: () => readonly RecordedRequest[]
}

export function steer(
  member: Member,
  ledger: Ledger,
  modelRequests: () => readonly RecordedRequest[],
): SteeredAccount {
  const { account } = member
  const { name } = account
  return {
    ...account,
    behave: (behavior) => Object.assign(member, { behavior, earlier: 0 }),
    use: (usage) => setUsage(account, usage),
    expire: () => ledger.expire(name),
    revoke: () => {
      member.isRevoked = true
      ledger.revoke(name)
    },
    login: () => ledger.login(name),
    tokens: () => ledger.tokensOf(name) ?? ledger.login(name),
    requests: () => modelRequests().filter((request) => request.account === name),
  }
}
