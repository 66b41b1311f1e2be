import type { AccountPicture, ProcessPicture } from '../inspect/picture.ts'

interface ProcessesProps {
  readonly processes: readonly ProcessPicture[]
  readonly accounts: readonly AccountPicture[]
}

/** Every OpenCode on this machine that uses the pool, and what it has in flight. */
export function Processes({ processes, accounts }: ProcessesProps) {
  const labels = new Map(accounts.map(({ id, label }) => [id, label]))
  return (
    <section class="processes" aria-label="OpenCode processes">
      <h3>OpenCode processes</h3>
      {processes.length === 0 && <p class="aside">None uses an account now.</p>}
      <ul role="list">
        {processes.map(({ pid, isThis, accounts: used }) => (
          <li key={pid}>
            <p class="pid">
              {pid}
              {isThis && <span class="aside"> this one</span>}
            </p>
            <ul role="list">
              {used.length === 0 && <li class="aside">uses no account now</li>}
              {used.map(({ account, inFlight }) => (
                <li key={account}>
                  <bdi>{labels.get(account) ?? 'an account that is not here any more'}</bdi>
                  <span class="aside"> {inFlight === 0 ? 'idle' : `${inFlight} in flight`}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  )
}
