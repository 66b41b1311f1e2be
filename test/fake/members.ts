import { type Account, type AccountSpec, createAccount } from './accounts.ts'
import { ANSWERS, type Behavior } from './behaviors.ts'

/** An account and what it is told to do. */
export interface Member {
  readonly account: Account
  behavior: Behavior
  /** Requests that this behaviour has answered. */
  earlier: number
  /** Its key is not accepted any more. */
  isRevoked?: boolean
}

export function createMembers(defaultPlan: string) {
  const members = new Map<string, Member>()

  function add(spec: string | AccountSpec): string {
    const { name, behavior = ANSWERS, ...rest } = typeof spec === 'string' ? { name: spec } : spec
    const account = createAccount({ name, ...rest }, defaultPlan)
    members.set(name, { account, behavior, earlier: 0 })
    return name
  }

  function of(name: string): Member {
    const member = members.get(name)
    if (member === undefined) throw new Error(`The fake has no account "${name}".`)
    return member
  }

  /** Whose key it is, while it is accepted. */
  function ownerOfKey(key: string): string | undefined {
    return [...members.values()].find(
      (member) => member.account.apiKey === key && !member.isRevoked,
    )?.account.name
  }

  return {
    add,
    of,
    ownerOfKey,
    has: (name: string) => members.has(name),
    names: () => [...members.keys()],
  }
}
