import type { PoolPicture } from '../inspect/picture.ts'
import { Accounts } from './accounts.tsx'
import { Moment } from './moment.tsx'
import { Processes } from './processes.tsx'
import { Timeline } from './timeline.tsx'
import { readiness } from './words.ts'

interface PoolProps {
  readonly pool: PoolPicture
  readonly now: number
  /** Set while what is shown is old: the time it is of. */
  readonly asOf: number | undefined
  readonly chosen: string | undefined
  readonly onChoose: (id: string | undefined) => void
}

/** One pool: its accounts, what happened, and who uses it. */
export function Pool({ pool, now, asOf, chosen, onChoose }: PoolProps) {
  const { provider, name, accounts, timeline, processes } = pool
  return (
    <section class="pool" id={provider} aria-labelledby={`${provider}-name`}>
      <header class="pool-head">
        <h2 id={`${provider}-name`}>{name}</h2>
        <p class="readiness">{readiness(accounts)}</p>
        {asOf !== undefined && (
          <p class="as-of">
            as of <Moment at={asOf} now={now} seconds />
          </p>
        )}
      </header>
      <div class="pool-body">
        <div class="pool-accounts">
          {accounts.length === 0 ? (
            <NoAccount pool={pool} />
          ) : (
            <Accounts pool={pool} now={now} chosen={chosen} onChoose={onChoose} />
          )}
        </div>
        <aside class="pool-aside" aria-label={`${name}: what happened and who uses it`}>
          <Timeline provider={provider} timeline={timeline} accounts={accounts} now={now} />
          <Processes processes={processes} accounts={accounts} />
        </aside>
      </div>
    </section>
  )
}

function NoAccount({ pool: { name, problem } }: { readonly pool: PoolPicture }) {
  if (problem !== '') return <p class="empty">No account is known.</p>
  return (
    <div class="empty">
      <p>
        <strong>No {name} account is signed in.</strong>
      </p>
      <p>
        Run <kbd>opencode auth login</kbd> in a terminal and add one; it shows here by itself.
      </p>
    </div>
  )
}
